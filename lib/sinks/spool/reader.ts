import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { decodeEntry, placeOf, type SegmentLine, type Cursor } from './files.js';

/** A part of the spool, read in order: records, or what is wrong where they should be. */
export interface Chunk {
  readonly records: readonly AuditRecord[];
  /** Lines that are not what was written. */
  readonly corrupt: readonly Uint8Array[];
  /** How many records should be there and were not found anywhere. */
  readonly lost: number;
  /** Where the next chunk begins. */
  readonly end: Cursor;
}

/** What a reader needs of a spool. */
export interface Readable {
  /** The segments' numbers, in the order of their entries. */
  readonly segments: readonly number[];
  /** The place that the next entry gets: all entries before it were put in, and are on the disk. */
  readonly next: number;
  /** The number of the record in the last of them, and who gave it. */
  readonly lastSeq: number | undefined;
  readonly lastCounter: LogCounter | undefined;
  /** The lines of a segment from an offset on. */
  lines(segment: number, offset: number): Iterable<SegmentLine>;
}

/**
 * Reads what follows the cursor, at most `most` records; nothing when the receiver has everything. Every entry has its place, which
 * shows what is missing, repeated or out of order: an entry whose place was passed is skipped, one that stands elsewhere is read
 * from there, and one that is not found anywhere counts as lost.
 */
export function readChunk(spool: Readable, cursor: Cursor, most: number): Chunk | undefined {
  const reading = new ChunkReader(spool, cursor, most);
  const at = Math.max(0, spool.segments.indexOf(cursor.segment));
  for (const segment of spool.segments.slice(at)) {
    const done = reading.segment(segment, segment === cursor.segment ? cursor.offset : 0);
    if (done !== undefined) return done;
  }
  return reading.atTheEnd();
}

class ChunkReader {
  readonly #records: AuditRecord[] = [];
  readonly #corrupt: Uint8Array[] = [];
  #end: Cursor;

  constructor(
    private readonly spool: Readable,
    cursor: Cursor,
    private readonly most: number,
  ) {
    const { gap: _gap, unkept: _unkept, ...end } = cursor;
    this.#end = end;
  }

  /** Reads a segment. Returns a chunk when it is complete before the segment ends. */
  segment(segment: number, offset: number): Chunk | undefined {
    if (segment !== this.#end.segment) this.#end = { ...this.#end, segment, offset: 0 };
    for (const { bytes, end } of this.spool.lines(segment, offset)) {
      const n = placeOf(bytes);
      if (n === undefined) {
        if (this.#records.length > 0) return this.#chunk();
        this.#corrupt.push(Buffer.from(bytes));
      } else if (n > this.#end.n) return this.#jump(n, this.#end.seq, this.#end.counter);
      else if (n === this.#end.n) {
        // The corrupt lines took no entry's place.
        if (this.#corrupt.length > 0) return this.#chunk();
        this.#take(bytes);
      }
      this.#end = { ...this.#end, offset: end };
      if (this.#records.length >= this.most) return this.#chunk();
    }
    return undefined;
  }

  atTheEnd(): Chunk | undefined {
    if (this.#records.length > 0) return this.#chunk();
    const { next, lastSeq, lastCounter } = this.spool;
    if (this.#end.n < next) return this.#jump(next, lastSeq, lastCounter);
    return this.#corrupt.length > 0 ? this.#chunk() : undefined;
  }

  #take(line: Uint8Array): void {
    const entry = decodeEntry(line);
    if (entry === undefined) return;
    this.#records.push(entry.record);
    const counter = counterOf(entry.record);
    this.#end = { ...this.#end, n: entry.n + 1, seq: entry.record.seq, ...(counter && { counter }) };
  }

  /** The next entry here has a later place: those before it stand elsewhere, or are lost. */
  #jump(to: number, lastSeq: number | undefined, lastCounter: LogCounter | undefined): Chunk {
    if (this.#records.length > 0) return this.#chunk();
    const { n } = this.#end;
    const { found, smallest } = this.#searchAll(n, to);
    if (smallest === n && this.#corrupt.length > 0) return this.#chunk();
    for (let place = n; found.has(place) && this.#records.length < this.most; place++)
      this.#take(found.get(place) ?? Buffer.alloc(0));
    if (this.#records.length > 0) return this.#chunk();
    const lost = smallest - n;
    const isEnd = smallest === this.spool.next;
    const seq = isEnd ? lastSeq : (this.#end.seq ?? -1) + lost;
    const counter = isEnd ? lastCounter : this.#end.counter;
    this.#end = {
      ...this.#end,
      n: smallest,
      ...(seq !== undefined && { seq }),
      ...(counter && { counter }),
    };
    return { ...this.#chunk(), lost };
  }

  /** Searches all segments for the entries of these places: as many as a chunk takes, and the smallest place of all. */
  #searchAll(from: number, to: number): { found: Map<number, Uint8Array>; smallest: number } {
    const found = new Map<number, Uint8Array>();
    let smallest = to;
    for (const segment of this.spool.segments)
      for (const { bytes } of this.spool.lines(segment, 0)) {
        const n = placeOf(bytes);
        if (n === undefined || n < from || n >= to) continue;
        smallest = Math.min(smallest, n);
        if (n < from + this.most) found.set(n, Buffer.from(bytes));
      }
    return { found, smallest };
  }

  #chunk(): Chunk {
    return { records: this.#records, corrupt: this.#corrupt, lost: 0, end: this.#end };
  }
}
