import { randomBytes } from 'node:crypto';
import { rmSync, mkdtempSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The temporary files and folders of this process, which removes them when it ends. */
const unfinished = new Set<string>();

/** A unique name in the folder of another path. */
function besides(target: string): string {
  return join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
}

/** A file or folder that gets its name when it is complete. Until then, what has the name already stays. */
class Unfinished {
  readonly #path: string;
  readonly #target: string;

  constructor(path: string, target: string) {
    this.#path = path;
    this.#target = target;
    if (unfinished.size === 0) watch();
    unfinished.add(path);
  }

  /** Gives it its name. */
  async finish(): Promise<void> {
    await rename(this.#path, this.#target);
    this.#forget();
  }

  /** Removes it. */
  async discard(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true }).catch(() => undefined);
    this.#forget();
  }

  #forget(): void {
    if (unfinished.delete(this.#path) && unfinished.size === 0) unwatch();
  }
}

/** A new file (mode 0600) in the folder of its target. Close its handle before it is finished. */
export class TemporaryFile extends Unfinished {
  readonly handle: FileHandle;

  private constructor(handle: FileHandle, path: string, target: string) {
    super(path, target);
    this.handle = handle;
  }

  static async for(target: string): Promise<TemporaryFile> {
    const path = besides(target);
    return new TemporaryFile(await open(path, 'wx', 0o600), path, target);
  }
}

/** A new folder (mode 0700) beside its target, which must be empty if it exists. */
export class TemporaryFolder extends Unfinished {
  private constructor(
    readonly path: string,
    target: string,
  ) {
    super(path, target);
  }

  static async for(target: string): Promise<TemporaryFolder> {
    const path = besides(target);
    await mkdir(path, { mode: 0o700 });
    return new TemporaryFolder(path, target);
  }
}

/** Removes what a failed command has left unfinished. */
function discardUnfinished(): void {
  for (const path of unfinished) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It cannot be removed, and nothing else can be done about it.
    }
  }
  if (unfinished.size > 0) unwatch();
  unfinished.clear();
}

function watch(): void {
  process.on('exit', discardUnfinished);
  for (const signal of SIGNALS) process.on(signal, endBy);
}

function unwatch(): void {
  process.off('exit', discardUnfinished);
  for (const signal of SIGNALS) process.off(signal, endBy);
}

/** Ends the process as the signal would have ended it. */
function endBy(signal: NodeJS.Signals): void {
  discardUnfinished();
  process.kill(process.pid, signal);
}

/** Runs work with a folder of its own (mode 0700), and removes the folder afterwards. */
export async function withScratchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'otel-mcp-log-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const folders = new Set<string>();

/** A new folder (mode 0700) that goes away when the command ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
  folders.add(folder);
  return folder;
}

/** Removes the folders of this command. */
export async function discardScratch(): Promise<void> {
  const gone = [...folders];
  folders.clear();
  await Promise.all(gone.map((folder) => rm(folder, { recursive: true, force: true })));
}
