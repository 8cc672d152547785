import type { Problem, ProblemKind } from './verdict.js';
import { type Hash, CompactRange, leafHash } from '../tlog/merkle.js';
import { LeafCursor } from '../storage/leafFile.js';
import type { LogChunk } from '../storage/segments.js';

/** What {@link describeDifference} found, to be completed by a place. */
interface Difference {
  readonly kind: ProblemKind;
  readonly message: string;
}

/** How far the two sequences are looked through for where they meet again. */
const DIFFERENCE_WINDOW = 256;

/**
 * Tells what was done to a log from where it departs from its sealed leaf hashes.
 *
 * @param index The first index at which they differ.
 * @param lines The hashes of the log's lines from there on.
 * @param leaves The sealed hashes from there on.
 * @param before The sealed hash just before.
 */
export function describeDifference(
  index: number,
  lines: readonly Hash[],
  leaves: readonly Hash[],
  before: Hash | undefined,
): Difference {
  const [line] = lines;
  const [leaf] = leaves;
  if (line === undefined || leaf === undefined)
    return { kind: 'changed', message: `the log departs from what was sealed at record ${index}` };
  const ahead = leaves.indexOf(line);
  const behind = lines.indexOf(leaf);
  if (behind !== -1 && (ahead === -1 || agree(lines.slice(behind), leaves)))
    return line === before
      ? { kind: 'duplicated', message: `the line of record ${index - 1} stands there ${behind + 1} times` }
      : {
          kind: 'inserted',
          message: `${behind === 1 ? 'a line was' : `${behind} lines were`} inserted before record ${index}`,
        };
  if (ahead !== -1 && (behind === -1 || agree(lines, leaves.slice(ahead))))
    return { kind: 'deleted', message: `${records(index, ahead)} deleted` };
  if (ahead !== -1)
    return {
      kind: 'reordered',
      message: `from record ${index} on, records stand in another order: record ${index + ahead} is in the place of record ${index}`,
    };
  const resumes = lines.findIndex((hash, i) => hash === leaves[i]);
  if (resumes !== -1 || lines.length === 1 || leaves.length === 1)
    return { kind: 'edited', message: `${records(index, Math.max(resumes, 1))} edited` };
  return { kind: 'changed', message: `from record ${index} on, the log is not what was sealed` };
}

/** Whether two sequences are the same as far as both go. */
function agree(one: readonly Hash[], other: readonly Hash[]): boolean {
  return one.every((hash, i) => i >= other.length || hash === other[i]);
}

function records(first: number, count: number): string {
  return count === 1 ? `record ${first} was` : `records ${first} to ${first + count - 1} were`;
}

/** The leaf hashes of a log, from the start; called once or twice. */
export type LeafSource = () => AsyncIterable<readonly Hash[]>;

/** A tree head that has been verified. */
interface Head {
  readonly size: number;
  readonly root: Hash;
}

/** Compares a log with the leaf hashes that were stored when it was written, and finds the first that differs. */
export class LeafComparison {
  readonly #source: LeafSource;
  readonly #cursor: LeafCursor;
  readonly #sealed: number;
  readonly #lines: Hash[] = [];
  readonly #leaves: Hash[] = [];
  #before: Hash | undefined;
  #first: { readonly index: number; readonly place: Place } | undefined;

  /** @param sealed How many leaves a checkpoint can vouch for; what follows is not compared. */
  constructor(source: LeafSource, sealed: number) {
    this.#source = source;
    this.#cursor = new LeafCursor(source());
    this.#sealed = sealed;
  }

  /** The next lines of the log. */
  async compare({ first, hashes, places }: LeafBatch): Promise<void> {
    if (this.#first !== undefined) return this.#collect(hashes);
    const expected = await this.#cursor.take(Math.min(hashes.length, this.#sealed - first));
    for (let i = 0; i < expected.length; i++) {
      if (hashes[i] === expected[i]) continue;
      this.#first = { index: first + i, place: places[i] as Place };
      this.#before = expected[i - 1] ?? this.#before;
      for (const leaf of expected.slice(i, i + DIFFERENCE_WINDOW)) this.#leaves.push(leaf);
      return this.#collect(hashes.slice(i, i + DIFFERENCE_WINDOW));
    }
    this.#before = expected.at(-1) ?? this.#before;
  }

  /** The stored hashes of records that are not there. */
  take(count: number): Promise<Hash[]> {
    return this.#cursor.take(count);
  }

  /**
   * What was done to the log, if it differs and the stored hashes are those of a checkpoint.
   *
   * @param heads The heads that the leaf hashes may lead to, smallest first.
   * @returns `sound` if there is no difference; `unknown` if the hashes themselves cannot be believed.
   */
  async finish(heads: readonly Head[]): Promise<Problem | 'sound' | 'unknown'> {
    await this.#collect([]);
    await this.#cursor.close();
    if (this.#first === undefined) return 'sound';
    const { index, place } = this.#first;
    const head = heads.find(({ size }) => size > index);
    if (head === undefined || !(await leadsTo(this.#source(), head))) return 'unknown';
    return { ...describeDifference(index, this.#lines, this.#leaves, this.#before), index, ...place };
  }

  async #collect(hashes: readonly Hash[]): Promise<void> {
    for (const hash of hashes) if (this.#lines.length < DIFFERENCE_WINDOW) this.#lines.push(hash);
    if (this.#first === undefined) return;
    const ahead = Math.min(DIFFERENCE_WINDOW, this.#sealed - this.#first.index) - this.#leaves.length;
    for (const leaf of await this.#cursor.take(ahead)) this.#leaves.push(leaf);
  }
}

async function leadsTo(source: AsyncIterable<readonly Hash[]>, head: Head): Promise<boolean> {
  const tree = new CompactRange();
  for await (const batch of source) {
    for (const leaf of batch) {
      tree.append(leaf);
      if (tree.size === head.size) return tree.root() === head.root;
    }
  }
  return false;
}

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
