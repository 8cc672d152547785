import { open, stat, type FileHandle } from 'node:fs/promises';
import { watch, type FSWatcher } from 'node:fs';
import { withoutMark, readSegments, type LogChunk } from '../../integrity/storage/segments.js';
import { Between, Fingerprint } from './rotation.js';
import { after } from '../../internal/duration.js';

/** A change of the file itself. */
export type FileEvent = 'rotated' | 'truncated' | 'gone' | 'back';

/** What following yields: bytes, or a change of the file. */
export type Followed = LogChunk | { readonly event: FileEvent };

/** Options of {@link followFile}. */
export interface FollowOptions {
  /** The byte to begin at. */
  readonly from: number;
  readonly signal: AbortSignal;
  /** Reads the current content, and ends. */
  readonly once?: boolean;
  /** How often to look where the system reports no changes, as on network file systems, in milliseconds. */
  readonly pollMs?: number;
}

const READ_BYTES = 1 << 18;
const DEFAULT_POLL_MS = 500;
/** How long a renamed file is read on, in milliseconds. Its writer notices the new name within a second (`checkIntervalMs`). */
const GRACE_MS = 1_500;

/**
 * Follows a growing file by its name: yields what is written to it, and to the files that take its place. A renamed file is read
 * until its writer has left it. Files that came and went between two looks are read whole.
 */
export async function* followFile(
  path: string,
  options: FollowOptions,
): AsyncGenerator<Followed, void, undefined> {
  const { signal, once = false, pollMs = DEFAULT_POLL_MS } = options;
  const follower = new Follower(path, options.from);
  const bell = new Bell(path, pollMs, signal);
  try {
    await follower.open();
    while (!signal.aborted) {
      yield* follower.look(once);
      if (once) return;
      if (!follower.again) await bell.ring();
    }
  } finally {
    bell.close();
    await follower.close();
  }
}

class Follower {
  /** Whether to look again at once. */
  again = false;
  #file: FileHandle | undefined;
  #position: number;
  #seen = new Fingerprint();
  #between: Between;
  /** Set where the file has lost its name: until when it is read on, and whether that was reported. */
  #leaving: { readonly until: number; readonly gone: boolean } | undefined;

  constructor(
    private readonly path: string,
    from: number,
  ) {
    this.#position = from;
    this.#between = new Between(path);
  }

  async open(): Promise<void> {
    this.#file = await openIfThere(this.path);
    if (this.#file === undefined) this.#position = 0;
    else await this.#seen.begin(this.#file, this.#position);
    await this.#between.remember();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async *look(once: boolean): AsyncGenerator<Followed, void, undefined> {
    this.again = false;
    if (this.#file === undefined && this.#leaving === undefined) {
      this.#leaving = { until: 0, gone: true };
      yield { event: 'gone' };
    }
    if (this.#file !== undefined) yield* this.#readOn(this.#file);
    if (!once) yield* this.#change();
  }

  async *#readOn(file: FileHandle): AsyncGenerator<Followed, void, undefined> {
    if (await this.#seen.isOther(file, this.#position)) {
      this.#position = 0;
      this.#seen = new Fingerprint();
      yield { event: 'truncated' };
    }
    for await (const chunk of withoutMark(readFrom(file, this.path, this.#position))) {
      this.#position = chunk.offset + chunk.data.length;
      this.#seen.add(chunk);
      yield chunk;
    }
  }

  /** Checks whether another file has the name now, or none. */
  async *#change(): AsyncGenerator<Followed, void, undefined> {
    const now = await stat(this.path).catch(() => undefined);
    const held = await this.#file?.stat();
    if (now === undefined) {
      if (held === undefined || this.#leaving?.gone === true) return;
      this.#leaving = { until: 0, gone: true };
      yield { event: 'gone' };
      return;
    }
    if (held?.ino === now.ino && held.dev === now.dev) return void (this.#leaving = undefined);
    const finished = held === undefined || held.nlink === 0 || (await this.#between.isFinished(held));
    this.#leaving ??= { until: Date.now() + (finished ? 0 : GRACE_MS), gone: false };
    if (Date.now() < this.#leaving.until) return;
    yield* this.#moveOn(this.#leaving.gone ? 'back' : 'rotated');
  }

  async *#moveOn(event: 'rotated' | 'back'): AsyncGenerator<Followed, void, undefined> {
    const old = this.#file;
    // Reads what was written between the last read and the change of names.
    if (old !== undefined) yield* this.#readOn(old);
    const next = await openIfThere(this.path);
    if (next === undefined) return;
    for (const segment of await this.#between.files(old, this.#seen, next)) {
      yield { event: 'rotated' };
      yield* readSegments([{ path: segment, present: true }]);
    }
    await old?.close();
    this.#file = next;
    this.#position = 0;
    this.#seen = new Fingerprint();
    this.#leaving = undefined;
    this.again = true;
    yield { event };
    await this.#between.remember();
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

/** Rings when the file may have changed: when the system reports a change, and at intervals in case it does not. */
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
      // The file does not exist yet, or the system has no watches. The timer is enough.
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
