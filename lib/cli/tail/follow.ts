import { watch, type FSWatcher } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { after } from '../../duration.js';
import type { LogChunk } from '../../integrity/segments.js';

/** Something that happened to the file itself. */
export type FileEvent = 'rotated' | 'truncated' | 'gone' | 'back';

/** What a follower yields: bytes, or news of the file. */
export type Followed = LogChunk | { readonly event: FileEvent };

/** How a file is followed. */
export interface FollowOptions {
  /** Where to begin, in bytes. */
  readonly from: number;
  readonly signal: AbortSignal;
  /** Read what is there, and end. */
  readonly once?: boolean;
  /** How often to look when the system tells nothing (network file systems), in milliseconds. */
  readonly pollMs?: number;
}

const READ_BYTES = 1 << 18;
const DEFAULT_POLL_MS = 500;

/**
 * Follows a growing file by its name: what is written to it, and to the file that takes its place. A file that was renamed
 * is read to its end before the new one is begun.
 */
export async function* followFile(
  path: string,
  options: FollowOptions,
): AsyncGenerator<Followed, void, undefined> {
  const { signal, once = false, pollMs = DEFAULT_POLL_MS } = options;
  let file = await openIfThere(path);
  let position = file === undefined ? 0 : options.from;
  const bell = new Bell(path, pollMs, signal);
  try {
    if (file === undefined) yield { event: 'gone' };
    while (!signal.aborted) {
      if (file !== undefined) {
        const { size } = await file.stat();
        if (size < position) {
          position = 0;
          yield { event: 'truncated' };
        }
        for await (const chunk of readFrom(file, path, position)) {
          position = chunk.offset + chunk.data.length;
          yield chunk;
        }
      }
      if (once) return;
      const change = await whatChanged(path, file);
      if (change !== undefined) {
        // What was written between the last read and the change of names.
        if (file !== undefined) yield* readFrom(file, path, position);
        await file?.close();
        file = change === 'gone' ? undefined : await openIfThere(path);
        position = 0;
        yield { event: change };
        continue;
      }
      await bell.ring();
    }
  } finally {
    bell.close();
    await file?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function* readFrom(
  file: FileHandle,
  segment: string,
  from: number,
): AsyncGenerator<LogChunk, void, undefined> {
  let offset = from;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, offset);
    if (bytesRead === 0) return;
    yield { data: buffer.subarray(0, bytesRead), segment, offset };
    offset += bytesRead;
  }
}

/** Whether another file bears the name now, or none. */
async function whatChanged(path: string, file: FileHandle | undefined): Promise<FileEvent | undefined> {
  const now = await stat(path).catch(() => undefined);
  if (now === undefined) return file === undefined ? undefined : 'gone';
  if (file === undefined) return 'back';
  const held = await file.stat();
  return held.ino === now.ino && held.dev === now.dev ? undefined : 'rotated';
}

/** Rings when the file may have changed: when the system says so, and every so often in case it does not. */
class Bell {
  readonly #pollMs: number;
  readonly #signal: AbortSignal;
  #watcher: FSWatcher | undefined;
  #wake: (() => void) | undefined;
  #rung = false;

  constructor(path: string, pollMs: number, signal: AbortSignal) {
    this.#pollMs = pollMs;
    this.#signal = signal;
    const ring = () => {
      this.#rung = true;
      this.#wake?.();
    };
    signal.addEventListener('abort', ring, { once: true });
    try {
      this.#watcher = watch(path, ring);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Not there yet, or a system without watches: the timer is enough.
    }
  }

  async ring(): Promise<void> {
    if (!this.#rung && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = after(this.#pollMs, resolve);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
    this.#wake = undefined;
  }

  close(): void {
    this.#watcher?.close();
  }
}
