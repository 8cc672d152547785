import { IntegrityError } from '../../errors.js';
import { parseCheckpoint, splitNotes, type Checkpoint } from '../../integrity/tlog/checkpoint.js';
import {
  hashFromBase64,
  hashToBase64,
  leafHash,
  type Hash,
  CompactRange,
} from '../../integrity/tlog/merkle.js';
import {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
} from '../../integrity/tlog/proof.js';
import { formatConsistencyProof, formatTlogProof } from '../../integrity/tlog/tlogProof.js';
import { readFault, type LogInput } from '../input/logs.js';
import { LineScanner } from '../input/scanner.js';

/** What lies left of a slice in its tree: with it and the slice, the root at the slice's end can be computed. */
interface SlicePrefix {
  readonly first: number;
  /** The perfect subtrees that the leaves before the slice fall into, largest first, in Base64. */
  readonly hashes: readonly string[];
}

/** The prefix as a file. */
export function formatPrefix({ size, subtrees }: Pick<CompactRange, 'size' | 'subtrees'>): string {
  return `${JSON.stringify({ first: size, hashes: subtrees.map(hashToBase64) }, undefined, 1)}\n`;
}

/**
 * Reads a prefix into the tree that a slice's leaves are to be appended to.
 *
 * @throws {IntegrityError} when it is none.
 */
export function parsePrefix(text: string): CompactRange {
  const value = JSON.parse(text) as Partial<SlicePrefix>;
  const hashes = Array.isArray(value.hashes) ? value.hashes.map((hash) => hashFromBase64(String(hash))) : [];
  const tree = CompactRange.restore(Number(value.first), hashes as Hash[]);
  if (tree === undefined || hashes.includes(undefined))
    throw new IntegrityError('the prefix of a slice is damaged');
  return tree;
}

/** The lines at the ends of what can be proved of a slice, by their places: none where it is empty. */
export function endsOf(
  { first, end }: { first: number; end: number },
  checkpoint: string | undefined,
): number[] {
  if (checkpoint === undefined) return [];
  try {
    const sealed = Math.min(end, parseCheckpoint(checkpoint).size);
    return first < sealed ? [first, sealed - 1] : [];
  } catch (error) {
    // A damaged one is told by the verification of the log.
    if (error instanceof IntegrityError) return [];
    throw error;
  }
}

/** Gathers, while the lines of a log pass by once, all that proves a slice of it. */
export class SliceProver {
  readonly #first: number;
  readonly #end: number;
  readonly #checkpoint: Checkpoint;
  readonly #earlier: Checkpoint | undefined;
  readonly #prefix = new CompactRange();
  readonly #collecting: readonly ProofCollector[];
  readonly #collectors: Readonly<Record<'first' | 'last' | 'rest' | 'earlier', ProofCollector | undefined>>;
  #next = 0;
  #ends: { readonly first?: Buffer; readonly last?: Buffer } = {};

  /**
   * @param bounds The slice: the index of its first line, and that after its last.
   * @param checkpoint The newest checkpoint of the log.
   * @param history All checkpoints of the log, one note after the other.
   */
  constructor(bounds: { first: number; end: number }, checkpoint: string, history: string) {
    this.#checkpoint = parseCheckpoint(checkpoint);
    const { size } = this.#checkpoint;
    this.#first = Math.min(bounds.first, size);
    this.#end = Math.min(bounds.end, size);
    this.#earlier = newestUpTo(history, this.#first);
    const some = this.#end > this.#first;
    const inclusion = (index: number) =>
      some ? new ProofCollector(inclusionRanges(index, size)) : undefined;
    this.#collectors = {
      first: inclusion(this.#first),
      last: inclusion(this.#end - 1),
      rest: new ProofCollector(consistencyRanges(this.#end, size)),
      earlier: this.#earlier && new ProofCollector(consistencyRanges(this.#earlier.size, size)),
    };
    this.#collecting = Object.values(this.#collectors).filter((collector) => collector !== undefined);
  }

  /** How many lines of the log it needs. */
  get size(): number {
    return this.#checkpoint.size;
  }

  /** Takes the next line of the log. */
  line(bytes: Buffer): void {
    if (this.#next === this.#first) this.#ends = { first: Buffer.from(bytes) };
    if (this.#next === this.#end - 1) this.#ends = { ...this.#ends, last: Buffer.from(bytes) };
    if (this.#next < this.#checkpoint.size) this.leaf(leafHash(bytes));
    else this.#next++;
  }

  /** Takes the hash of the next line, in its place. */
  leaf(leaf: Hash): void {
    const index = this.#next++;
    if (index < this.#first) this.#prefix.append(leaf);
    for (const collector of this.#collecting) collector.add(leaf);
  }

  /**
   * Whether the hashes that passed by are the leaves of the checkpoint, where no lines did.
   *
   * @param known Lines of the log by their places, with those at the ends of the slice.
   */
  holds(known: ReadonlyMap<number, Buffer>): boolean {
    const { size, root } = this.#checkpoint;
    const [first, last] = [known.get(this.#first), known.get(this.#end - 1)];
    const { first: path, rest } = this.#collectors;
    if (path !== undefined) {
      if (first === undefined || last === undefined) return false;
      this.#ends = { first, last };
      return verifyInclusion({ index: this.#first, size, leaf: leafHash(first), root }, path.proof());
    }
    const older = { size: this.#prefix.size, root: this.#prefix.root() };
    return older.size > 0 && verifyConsistency({ older, newer: this.#checkpoint }, rest?.proof() ?? []);
  }

  /**
   * The proofs as files, by name.
   *
   * @throws {IntegrityError} when the log is shorter than its checkpoint says.
   */
  files(): Map<string, string> {
    if (this.#next < this.#checkpoint.size)
      throw new IntegrityError(
        `the log has ${this.#next} lines, its checkpoint speaks of ${this.#checkpoint.size}`,
      );
    const { note: checkpoint } = this.#checkpoint;
    const { first, last, rest, earlier } = this.#collectors;
    const files = new Map([
      ['checkpoint', checkpoint],
      ['prefix.json', formatPrefix(this.#prefix)],
      [
        'slice.consistency',
        formatConsistencyProof({ older: this.#end, hashes: rest?.proof() ?? [], checkpoint }),
      ],
    ]);
    if (first !== undefined && this.#ends.first !== undefined)
      files.set(
        'first.tlog-proof',
        formatTlogProof({ index: this.#first, hashes: first.proof(), checkpoint, extra: this.#ends.first }),
      );
    if (last !== undefined && this.#ends.last !== undefined)
      files.set(
        'last.tlog-proof',
        formatTlogProof({ index: this.#end - 1, hashes: last.proof(), checkpoint, extra: this.#ends.last }),
      );
    if (earlier !== undefined && this.#earlier !== undefined) {
      files.set('earlier-checkpoint', this.#earlier.note);
      files.set(
        'earlier.consistency',
        formatConsistencyProof({ older: this.#earlier.size, hashes: earlier.proof(), checkpoint }),
      );
    }
    return files;
  }
}

/** The newest checkpoint from before the slice: what an auditor of the period before may have kept. */
function newestUpTo(history: string, size: number): Checkpoint | undefined {
  const earlier = splitNotes(history)
    .notes.map(parseCheckpoint)
    .filter((checkpoint) => checkpoint.size <= size && checkpoint.size > 0);
  return earlier.sort((a, b) => a.size - b.size).at(-1);
}

/**
 * Hands over every line of a log, records or not, as they count for its tree: a torn last line counts, too.
 *
 * @returns How many there were.
 */
export async function eachLine(
  log: LogInput,
  visit: (bytes: Buffer, index: number) => void,
  pause: () => Promise<void> = async () => undefined,
): Promise<number> {
  let index = 0;
  const take = (data: Buffer, start: number, end: number) => visit(data.subarray(start, end), index++);
  for (const { path } of log.files) {
    const scanner = new LineScanner(path, { line: take, torn: take, oversized: () => index++ });
    try {
      for await (const chunk of log.read(path)) {
        scanner.feed(chunk);
        await pause();
      }
    } catch (error) {
      // What cannot be read was told when the log was surveyed; what can be read is handed over all the same.
      readFault(error);
    }
    scanner.finish();
  }
  return index;
}
