import { watch, type Stats, type FSWatcher } from 'node:fs';
import { stat, open, type FileHandle } from 'node:fs/promises';
import { findSegments, readSegments, withoutMark, type LogChunk } from '../../integrity/storage/segments.js';
import { after } from '../../internal/duration.js';

/** How many bytes are remembered of the beginning of a file, and of what was read last. Either holds the id of a record. */
const HEAD_BYTES = 1_024;
const LAST_BYTES = 64 * 1024;

/** Remembers what was read from a file, to recognise a file that was truncated and has grown again, whatever its size. */
class Fingerprint {
  #head: Buffer = Buffer.alloc(0);
  #last: Buffer = Buffer.alloc(0);
  #end = 0;
  #looked: { readonly size: number; readonly mtimeMs: number } | undefined;

  /** The beginning of the file, as far as it was read. */
  get head(): Buffer {
    return this.#head;
  }

  /** Begins with a file that is read from a position on. */
  async begin(file: FileHandle, position: number): Promise<void> {
    this.#head = await readAt(file, 0, Math.min(HEAD_BYTES, position));
    const from = Math.max(0, position - LAST_BYTES);
    this.#last = await readAt(file, from, position - from);
    this.#end = position;
  }

  /** Takes the next chunk that was read. */
  add({ data, offset }: LogChunk): void {
    if (offset !== this.#end) {
      // A byte order mark was skipped.
      this.#head = Buffer.alloc(0);
      this.#last = Buffer.alloc(0);
    }
    if (offset === this.#head.length && this.#head.length < HEAD_BYTES)
      this.#head = Buffer.concat([this.#head, data.subarray(0, HEAD_BYTES - this.#head.length)]);
    this.#last = Buffer.concat([this.#last, data.subarray(-LAST_BYTES)]).subarray(-LAST_BYTES);
    this.#end = offset + data.length;
  }

  /** Whether the file no longer holds what was read from it. */
  async isOther(file: FileHandle, position: number): Promise<boolean> {
    const { size, mtimeMs } = await file.stat();
    if (size < position) return true;
    if (this.#looked?.size === size && this.#looked.mtimeMs === mtimeMs) return false;
    this.#looked = { size, mtimeMs };
    const head = await readAt(file, 0, this.#head.length);
    const last = await readAt(file, this.#end - this.#last.length, this.#last.length);
    return !head.equals(this.#head) || !last.equals(this.#last);
  }
}

async function readAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}

/** Finds the files that had a log's name, and lost it again, between two looks. */
class Between {
  #known = new Set<string>();

  constructor(private readonly path: string) {}

  /** Remembers the current files, which need not be read later. */
  async remember(): Promise<void> {
    for (const { id } of await this.#segments()) this.#known.add(id);
  }

  /** Whether the writer has finished the file, so that it no longer grows. Such a file has the name of a part. */
  async isFinished(file: Stats): Promise<boolean> {
    const found = (await this.#segments()).find(({ id }) => id === idOf(file));
    return found !== undefined && /\.\d{6,}$/.test(found.path);
  }

  /** The files between the one that was read and the one that has the name now, oldest first. */
  async files(old: FileHandle | undefined, seen: Fingerprint, next: FileHandle): Promise<string[]> {
    const all = await this.#segments();
    const until = idOf(await next.stat());
    const end = all.findIndex(({ id }) => id === until);
    const parts = end < 0 ? all : all.slice(0, end);
    const ours = old === undefined ? undefined : idOf(await old.stat());
    const at = ours === undefined ? -1 : parts.findIndex(({ id }) => id === ours);
    if (at >= 0) return parts.slice(at + 1).map(({ path }) => path);
    const fresh = parts.filter(({ id }) => !this.#known.has(id)).map(({ path }) => path);
    // The file that was read may have been compressed since. A file with the same beginning is that file.
    const [first] = fresh;
    return first !== undefined && (await beginsWith(first, seen.head)) ? fresh.slice(1) : fresh;
  }

  async #segments(): Promise<{ path: string; id: string }[]> {
    const segments = await findSegments(this.path).catch(() => []);
    const found: { path: string; id: string }[] = [];
    for (const { path } of segments) {
      const stats = path === this.path ? undefined : await stat(path).catch(() => undefined);
      if (stats !== undefined) found.push({ path, id: idOf(stats) });
    }
    return found;
  }
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

async function beginsWith(path: string, head: Buffer): Promise<boolean> {
  if (head.length === 0) return false;
  for await (const { data } of readSegments([{ path, present: true }]))
    return data.subarray(0, head.length).equals(head.subarray(0, data.length));
  return false;
}

/** A change of the file itself. */
export type FileEvent = 'rotated' | 'truncated' | 'gone' | 'back';

/** What following yields: bytes, or a change of the file. */
type Followed = LogChunk | { readonly event: FileEvent };

/** Options of {@link followFile}. */
interface FollowOptions {
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
