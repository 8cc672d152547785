import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The temporary files and folders of this process: none of them outlives it. */
const unfinished = new Set<string>();

/** A name in the folder of another, which nothing else has. */
function besides(target: string): string {
  return join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
}

/** What is to get a name when it is whole; until then, what was there under that name stays. */
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

  /** Takes it away. */
  async discard(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true }).catch(() => undefined);
    this.#forget();
  }

  #forget(): void {
    if (unfinished.delete(this.#path) && unfinished.size === 0) unwatch();
  }
}

/** A new file (mode 0600) in the folder of the one that it is to become. Its handle must be closed before it is finished. */
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

/** A new folder (mode 0700) beside the one that it is to become, which must be empty if it is there. */
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

/** Takes away what a command that failed has left unfinished. */
function discardUnfinished(): void {
  for (const path of unfinished) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It cannot be removed: there is nothing else to do about it.
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

/** Runs with a folder of its own (mode 0700), which is gone afterwards. */
export async function withScratchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'otel-mcp-log-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
