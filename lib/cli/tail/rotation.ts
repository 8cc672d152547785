import type { Stats } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { findSegments, readSegments, type LogChunk } from '../../integrity/storage/segments.js';

/** How many bytes are remembered of the beginning of a file, and of what was read last. Either holds the id of a record. */
const HEAD_BYTES = 1_024;
const LAST_BYTES = 64 * 1024;

/** Remembers what was read from a file, to recognise a file that was truncated and has grown again, whatever its size. */
export class Fingerprint {
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
export class Between {
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
