import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The temporary files of this process: none of them outlives it. */
const unfinished = new Set<string>();

/**
 * A new file (mode 0600) in the folder of the one that it is to become: nothing is to be seen under that name before it is
 * whole, and what was there before stays until then.
 */
export class TemporaryFile {
  readonly handle: FileHandle;
  readonly #path: string;
  readonly #target: string;

  private constructor(handle: FileHandle, path: string, target: string) {
    this.handle = handle;
    this.#path = path;
    this.#target = target;
  }

  static async for(target: string): Promise<TemporaryFile> {
    const path = join(
      dirname(target),
      `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`,
    );
    const handle = await open(path, 'wx', 0o600);
    if (unfinished.size === 0) watch();
    unfinished.add(path);
    return new TemporaryFile(handle, path, target);
  }

  /** Gives the file its name. Its handle must be closed. */
  async finish(): Promise<void> {
    await rename(this.#path, this.#target);
    this.#forget();
  }

  /** Takes the file away. */
  async discard(): Promise<void> {
    await unlink(this.#path).catch(() => undefined);
    this.#forget();
  }

  #forget(): void {
    if (unfinished.delete(this.#path) && unfinished.size === 0) unwatch();
  }
}

/** Takes away what a command that failed has left unfinished. */
function discardUnfinished(): void {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // It is gone already, or cannot be removed: there is nothing else to do about it.
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
