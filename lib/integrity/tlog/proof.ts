import { EMPTY_ROOT, isHash, nodeHash, type Hash, CompactRange } from './merkle.js';

/** The leaves from `first` up to, not including, `end`. */
export interface LeafRange {
  /** The first leaf, from 0. */
  readonly first: number;
  /** The first leaf that is not part of it. */
  readonly end: number;
}

/** RFC 6962 section 2.1: the largest power of two below n (n > 1). */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/**
 * RFC 6962 section 2.1.1, PATH(index, D[size]): the subtrees whose hashes prove that leaf `index` is in the tree, from the
 * leaf's sibling to the root's child. They do not overlap, and with the leaf itself they are the whole tree.
 *
 * @throws {RangeError} when the tree has no such leaf.
 */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const ranges: LeafRange[] = [];
  let first = 0;
  let end = size;
  while (end - first > 1) {
    const middle = first + split(end - first);
    if (index < middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  return ranges.reverse();
}

/**
 * RFC 6962 section 2.1.2, PROOF(older, D[size]): the subtrees whose hashes prove that the tree of `size` leaves extends
 * the tree of its first `older` leaves. None for an older tree that is empty or the same.
 *
 * @throws {RangeError} when the older tree is the larger one.
 */
export function consistencyRanges(older: number, size: number): LeafRange[] {
  if (!(older >= 0 && older <= size))
    throw new RangeError(`a tree of ${size} leaves does not extend ${older}`);
  if (older === 0) return [];
  const ranges: LeafRange[] = [];
  let first = 0;
  let end = size;
  while (end !== older) {
    const middle = first + split(end - first);
    if (older <= middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  // A subtree that is the whole older tree is known to the verifier already.
  if (first > 0) ranges.push({ first, end });
  return ranges.reverse();
}

/**
 * Gathers the hashes of a proof while all leaf hashes pass by once, in order: constant memory, from any source.
 *
 * @example
 * ```ts
 * const collector = new ProofCollector(inclusionRanges(5, 1000));
 * for (const leaf of leaves) collector.add(leaf);
 * const proof = collector.proof();
 * ```
 */
export class ProofCollector {
  readonly #trees: (LeafRange & { readonly tree: CompactRange })[];
  readonly #pending: (LeafRange & { readonly tree: CompactRange })[];
  #next = 0;

  /** @param ranges The subtrees that the proof consists of, in the order of the proof. */
  constructor(ranges: readonly LeafRange[]) {
    this.#trees = ranges.map((range) => ({ ...range, tree: new CompactRange() }));
    this.#pending = [...this.#trees].sort((a, b) => b.first - a.first);
  }

  /** The next leaf of the tree. */
  add(leaf: Hash): void {
    const index = this.#next++;
    const current = this.#pending.at(-1);
    if (current === undefined || index < current.first) return;
    current.tree.append(leaf);
    if (index === current.end - 1) this.#pending.pop();
  }

  /**
   * The hashes, in the order that RFC 6962 gives them.
   *
   * @throws {RangeError} when not all leaves have passed by.
   */
  proof(): Hash[] {
    if (this.#pending.length > 0) throw new RangeError(`the proof needs more than ${this.#next} leaves`);
    return this.#trees.map(({ tree }) => tree.root());
  }
}

/** What an inclusion proof claims. */
export interface InclusionClaim {
  /** Its place, from 0. */
  readonly index: number;
  /** The number of leaves of the tree. */
  readonly size: number;
  /** The hash of the leaf. */
  readonly leaf: Hash;
  /** The root of the tree. */
  readonly root: Hash;
}

/** RFC 9162 section 2.1.3.2: whether the proof shows that leaf `index` of the tree with this root is this leaf. */
export function verifyInclusion(
  { index, size, leaf, root }: InclusionClaim,
  proof: readonly Hash[],
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash === root;
}

/** What a consistency proof claims. */
export interface ConsistencyClaim {
  /** The smaller tree, whose leaves the larger one begins with. */
  readonly older: { readonly size: number; readonly root: Hash };
  /** The larger tree. */
  readonly newer: { readonly size: number; readonly root: Hash };
}

/** RFC 9162 section 2.1.4.2: whether the proof shows that the newer tree is the older one with leaves appended. */
export function verifyConsistency({ older, newer }: ConsistencyClaim, proof: readonly Hash[]): boolean {
  return consistencyOf({ older, newer }, proof) === 'holds';
}

/**
 * Why a consistency proof does not hold. A proof that is damaged says nothing about the log; one that leads to the newer
 * tree, and not from the older one, shows that they have different beginnings.
 */
export function consistencyOf(
  { older, newer }: ConsistencyClaim,
  proof: readonly Hash[],
): 'holds' | 'contradiction' | 'no proof' {
  if (!isSize(older.size) || !isSize(newer.size) || older.size > newer.size) return 'no proof';
  if (![older.root, newer.root, ...proof].every(isHash)) return 'no proof';
  if (older.size === newer.size || older.size === 0) {
    if (proof.length > 0) return 'no proof';
    const root = older.size === 0 ? EMPTY_ROOT : newer.root;
    return older.root === root ? 'holds' : 'contradiction';
  }
  const roots = rootsOf(older, newer.size, proof);
  if (roots?.newer !== newer.root) return 'no proof';
  return roots.older === older.root ? 'holds' : 'contradiction';
}

/** The roots that a consistency proof leads to; nothing if it has another length than one of these sizes has. */
function rootsOf(
  older: { readonly size: number; readonly root: Hash },
  size: number,
  proof: readonly Hash[],
): { readonly older: Hash; readonly newer: Hash } | undefined {
  // An older tree that is one perfect subtree is not repeated in the proof: it is where the proof starts.
  const path = isPowerOfTwo(older.size) ? [older.root, ...proof] : proof;
  let [node, last] = [older.size - 1, size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  const [start, ...rest] = path;
  if (start === undefined) return undefined;
  let [oldHash, newHash] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      [oldHash, newHash] = [nodeHash(sibling, oldHash), nodeHash(sibling, newHash)];
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? { older: oldHash, newer: newHash } : undefined;
}

/** Sizes go beyond 32 bits, where the shift operators do not reach. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

/** A tree at some size: its perfect subtrees, largest first. */
export interface TreeState {
  readonly size: number;
  readonly subtrees: readonly Hash[];
}

/**
 * Proves that a tree extends an older one, from the older one's compact range and the leaves after it. What is proved
 * costs as much as what was added, however long the log is.
 *
 * @param older The tree as it was.
 * @param size How many leaves the newer tree has.
 * @param added The leaves from `older.size` on; more than are needed do no harm.
 * @returns the consistency proof of RFC 6962 section 2.1.2.
 * @throws {RangeError} when there are not enough leaves.
 */
export async function proveExtension(
  older: TreeState,
  size: number,
  added: AsyncIterable<readonly Hash[]>,
): Promise<Hash[]> {
  const ranges = consistencyRanges(older.size, size);
  const fresh = ranges.filter(({ first }) => first >= older.size);
  const collector = new ProofCollector(fresh.map((range) => shifted(range, older.size)));
  let left = size - older.size;
  if (fresh.length > 0) {
    for await (const batch of added) {
      for (const leaf of batch.slice(0, left)) collector.add(leaf);
      left -= Math.min(left, batch.length);
      if (left === 0) break;
    }
  }
  const hashes = new Map(fresh.map((range, index) => [range.first, collector.proof()[index]]));
  const known = subtreesByPlace(older);
  return ranges.map(({ first }) => (first >= older.size ? hashes : known).get(first) as Hash);
}

/**
 * The subtrees of the older tree that a proof names are perfect, or the tail of its compact range: in both cases they begin
 * where one of its perfect subtrees does.
 */
function subtreesByPlace({ size, subtrees }: TreeState): Map<number, Hash> {
  const places = new Map<number, Hash>();
  let first = 0;
  let rest = size;
  for (const subtree of subtrees) {
    let leaves = 1;
    while (leaves * 2 <= rest) leaves *= 2;
    places.set(first, subtree);
    first += leaves;
    rest -= leaves;
  }
  return places;
}

function shifted({ first, end }: LeafRange, by: number): LeafRange {
  return { first: first - by, end: end - by };
}
