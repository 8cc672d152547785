import { type Problem, type ProblemKind } from './verdict.js';
import { type Hash, CompactRange } from '../tlog/merkle.js';
import { LeafCursor } from '../storage/leafFile.js';
import { type Place, type LeafBatch } from './treeBuilder.js';

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
