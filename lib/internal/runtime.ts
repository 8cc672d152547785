import { ConfigError } from '../errors.js';
import nodeModule from 'node:module';
import { join } from 'node:path';
import { readFileSync, realpathSync } from 'node:fs';

/** The runtime, where it is not Node.js itself but takes its place. */
export function otherRuntime(): 'Bun' | 'Deno' | undefined {
  if (process.versions['bun'] !== undefined) return 'Bun';
  return process.versions['deno'] === undefined ? undefined : 'Deno';
}

/** Why clients are not patched as they are loaded where {@link otherRuntime} names a runtime, and what to do. */
export function noModuleHooks(): string {
  return (
    `${otherRuntime()} has no module hooks, so clients are not patched as they are loaded; ` +
    'wrap each with withLogging(client, options), or patch their class with instrumentClient(Client)'
  );
}

/**
 * Stops what does nothing but patch modules as they are loaded, where the runtime has no hooks for that: the application
 * would go on believing itself audited.
 *
 * @throws ConfigError where this is not Node.js.
 */
export function requireModuleHooks(entry: string): void {
  if (otherRuntime() !== undefined) throw new ConfigError(entry, noModuleHooks());
}

/**
 * Where a package of the application is, such as an optional peer or an exporter of its own: as the working directory resolves it, or else
 * the program that runs. npx, for one, installs a command and what is to be beside it in a folder of its own.
 *
 * @throws what resolving throws where neither has it.
 */
export function resolvePeer(name: string): string {
  try {
    return applicationRequire().resolve(name);
  } catch (error) {
    const program = programPath();
    if (program === undefined) throw error;
    return nodeModule.createRequire(program).resolve(name);
  }
}

/** Loads what {@link resolvePeer} finds. */
export function requirePeer(name: string): unknown {
  return applicationRequire()(resolvePeer(name)) as unknown;
}

/** The file that Node was started with, behind the links that npm makes. */
function programPath(): string | undefined {
  try {
    return realpathSync(process.argv[1] ?? '');
  } catch {
    return undefined;
  }
}

/**
 * The `require` of the application in a folder: resolves what it has installed.
 *
 * It is not called `createRequire`, here or anywhere in `lib`: bundles of ES modules often begin with a line that declares this
 * name, so that their CommonJS parts can run, and a second declaration would be a syntax error.
 *
 * @param folder Where the application is. Default: the working directory.
 */
export function applicationRequire(folder = process.cwd()): NodeJS.Require {
  return nodeModule.createRequire(join(folder, 'app.js'));
}

/**
 * The id that the Linux kernel makes up each time a machine starts; empty on other systems. The containers of a machine share it,
 * whatever their host names are; two machines never do.
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** How far the line of a process's ancestors is followed: npm, npx and a shell may stand between two programs. */
const MAX_ANCESTORS = 20;

/** Whether a process of this machine started this one, directly or through others. Where there is no /proc, only the parent is known. */
export function isAncestor(pid: number): boolean {
  let current: number | undefined = process.ppid;
  for (let step = 0; step < MAX_ANCESTORS && current !== undefined && current > 1; step++) {
    if (current === pid) return true;
    current = parentOf(current);
  }
  return false;
}

/** proc(5): the name of the program stands in parentheses and may hold anything; its state and its parent follow. */
function parentOf(pid: number): number | undefined {
  try {
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(parent);
  } catch {
    return undefined;
  }
}
