import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The file that `init` writes, and that a start preloads. */
export const PRELOADED = { module: 'audit-log.mjs', commonjs: 'audit-log.cjs' } as const;

/** Whether `init` writes a file of that name. */
export function isPreload(name: string): boolean {
  return Object.values(PRELOADED).some((each) => each === name);
}

/** One way in which an application is started. */
export interface Start {
  /** Where it is written: a script of package.json, or a file of the project. */
  readonly where: string;
  readonly kind: 'script' | 'container' | 'processes' | 'functions';
  /** The script's name, where it is one. */
  readonly script?: string;
  readonly command: string;
  /** Whether this package is loaded first. */
  readonly isPreloaded: boolean;
}

/** The usual names of scripts in package.json that start an application. Others (tests, builds) stay as they are. */
const STARTS = /^(?:start|dev|serve)(?:[:-].*)?$/;

const LOADS = /otel-mcp-log\/(?:register|hook)/;

/** The files of others' tools that say how an application is started. Functions get their preload from a variable of theirs. */
const FILES: readonly (readonly [name: RegExp, kind: Exclude<Start['kind'], 'script'>])[] = [
  [/^(?:Docker|Container)file(?:\..+)?$/, 'container'],
  [/^(?:ecosystem|pm2|process)(?:\.config)?\.(?:[cm]?js|json)$/, 'processes'],
  [/^(?:nodemon\.json|Procfile)$/, 'processes'],
  [/^(?:serverless\.(?:ya?ml|[jt]s)|samconfig\.toml|netlify\.toml|vercel\.json|host\.json)$/, 'functions'],
];

/** How an application is started, so far as its files say. */
export function startsOf(folder: string, scripts: Readonly<Record<string, string>>): Start[] {
  const fromScripts = Object.entries(scripts)
    .filter(([name]) => STARTS.test(name))
    .map(([script, command]) => ({
      where: `script ${script}`,
      kind: 'script' as const,
      script,
      command,
      isPreloaded: preloads(folder, command),
    }));
  const fromFiles = list(folder).flatMap((name) => {
    const [, kind] = FILES.find(([form]) => form.test(name)) ?? [];
    return kind === undefined ? [] : startsIn(folder, name, kind, scripts);
  });
  return [...fromScripts, ...fromFiles];
}

/** Whether a command line, or the value of `NODE_OPTIONS`, preloads this package, by its name or by a file that loads it. */
export function preloads(folder: string, command: string): boolean {
  if (LOADS.test(command)) return true;
  const named = command.matchAll(/(?:--import|--require|-r)(?:[ =]|["'],\s*)["']?([^\s"',]+)/g);
  return [...named].some(
    ([, file = '']) => isPreload(basename(file)) || LOADS.test(read(join(folder, file))),
  );
}

function startsIn(
  folder: string,
  where: string,
  kind: (typeof FILES)[number][1],
  scripts: Readonly<Record<string, string>>,
): Start[] {
  const text = read(join(folder, where));
  const isPreloaded = preloads(folder, text);
  if (kind !== 'container') return [{ where, kind, command: where, isPreloaded }];
  const command = text.match(/^(?:CMD|ENTRYPOINT)\s+.*$/gim)?.at(-1);
  // What runs a script of package.json is judged by that script.
  const [, name = 'start'] = /\b(?:npm|pnpm|yarn)\b[\W]+(?:run\b\W+)?([\w:-]+)/.exec(command ?? '') ?? [];
  const runsScript = /\b(?:npm|pnpm|yarn)\b/.test(command ?? '') && scripts[name] !== undefined;
  return command === undefined || runsScript ? [] : [{ where, kind, command, isPreloaded }];
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
