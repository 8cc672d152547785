import { leafHash, type Hash } from '../tlog/merkle.js';
import { CompactRange } from '../tlog/merkle.js';
import { type LogChunk } from '../storage/segments.js';

const LF = 0x0a;

/** A place in the files of a log. */
export interface Place {
  /** The path of the segment. */
  readonly segment: string;
  /** The byte offset within it (within its content, if it is compressed). */
  readonly offset: number;
}

/** The lines that one chunk completed. */
export interface LeafBatch {
  /** The index of the first of them. */
  readonly first: number;
  readonly hashes: readonly Hash[];
  /** Where each starts. */
  readonly places: readonly Place[];
}

/** Sees every line as it passes: its bytes are `data` from `start` up to `end`, and they are gone afterwards. */
export type LineVisitor = (data: Buffer, start: number, end: number, index: number, place: Place) => void;

/**
 * Reads the bytes of a log once and builds its tree. Written for speed: a check of a log should take hardly longer than hashing
 * the file.
 */
export class TreeBuilder {
  readonly tree = new CompactRange();
  /** The roots at the sizes that were asked for, as far as the log has got. */
  readonly roots = new Map<number, Hash>();
  /** Where the record starts that follows a tree of such a size. */
  readonly places = new Map<number, Place>();
  /** Where lines are that no LF ends, each at the end of a segment. */
  readonly torn: { readonly index: number; readonly place: Place }[] = [];
  readonly #sizes: readonly number[];
  readonly #visit: LineVisitor | undefined;
  #nextSize = 0;
  #carry: Buffer = Buffer.alloc(0);
  #place: Place = { segment: '', offset: 0 };

  /** @param sizes The sizes at which the root is wanted, in rising order. */
  constructor(sizes: readonly number[], visit?: LineVisitor) {
    this.#sizes = sizes;
    this.#visit = visit;
    this.#reachSize();
  }

  /** Where the log ends, as far as it has been read. */
  get end(): Place {
    return this.#place;
  }

  /** The next bytes. */
  push({ data, segment, offset }: LogChunk): LeafBatch {
    const batch = { first: this.tree.size, hashes: [] as Hash[], places: [] as Place[] };
    if (segment !== this.#place.segment) this.#endSegment(batch);
    let start = 0;
    for (let end = data.indexOf(LF); end !== -1; end = data.indexOf(LF, start)) {
      if (this.#carry.length > 0) {
        const line = Buffer.concat([this.#carry, data.subarray(0, end)]);
        this.#carry = line.subarray(0, 0);
        this.#line(line, 0, line.length, batch);
      } else {
        this.#place = { segment, offset: offset + start };
        this.#line(data, start, end, batch);
      }
      start = end + 1;
    }
    if (this.#carry.length === 0) this.#place = { segment, offset: offset + start };
    // A copy: the reader's buffers are used again.
    if (start < data.length) this.#carry = Buffer.concat([this.#carry, data.subarray(start)]);
    return batch;
  }

  /** Records whose lines are not there, by their sealed hashes. */
  skip(leaves: readonly Hash[]): void {
    for (const leaf of leaves) {
      this.tree.append(leaf);
      this.#reachSize();
    }
  }

  /** The end of the log. What is left without an LF is no record. */
  finish(): void {
    if (this.#carry.length > 0) this.torn.push({ index: this.tree.size, place: this.#place });
  }

  #endSegment(batch: { hashes: Hash[]; places: Place[] }): void {
    if (this.#carry.length === 0) return;
    this.torn.push({ index: this.tree.size, place: this.#place });
    const line = this.#carry;
    this.#carry = Buffer.alloc(0);
    this.#line(line, 0, line.length, batch);
  }

  #line(data: Buffer, start: number, end: number, batch: { hashes: Hash[]; places: Place[] }): void {
    const index = this.tree.size;
    if (this.#sizes[this.#nextSize - 1] === index) this.places.set(index, this.#place);
    this.#visit?.(data, start, end, index, this.#place);
    const leaf = leafHash(data.subarray(start, end));
    batch.hashes.push(leaf);
    batch.places.push(this.#place);
    this.tree.append(leaf);
    this.#reachSize();
  }

  #reachSize(): void {
    if (this.#sizes[this.#nextSize] !== this.tree.size) return;
    this.roots.set(this.tree.size, this.tree.root());
    this.#nextSize++;
  }
}
