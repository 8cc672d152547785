import { EMPTY_ROOT, nodeHash, type Hash } from './hash.js';

/**
 * The compact range of a Merkle tree (RFC 6962): one hash for each set bit of its size, largest subtree first. That is
 * all that is needed to append and to know the root.
 *
 * @example
 * ```ts
 * const tree = new CompactRange();
 * tree.append(leafHash(Buffer.from('first line')));
 * tree.root();
 * ```
 */
export class CompactRange {
  #size = 0;
  #subtrees: Hash[] = [];

  /**
   * A range as it was saved.
   *
   * @returns nothing if the number of hashes does not fit the size.
   */
  static restore(size: number, subtrees: readonly Hash[]): CompactRange | undefined {
    if (!Number.isSafeInteger(size) || size < 0 || setBits(size) !== subtrees.length) return undefined;
    const range = new CompactRange();
    range.#size = size;
    range.#subtrees = [...subtrees];
    return range;
  }

  /** How many leaves the tree has. */
  get size(): number {
    return this.#size;
  }

  /** The roots of the perfect subtrees that the leaves fall into, largest first. */
  get subtrees(): readonly Hash[] {
    return this.#subtrees;
  }

  /** One leaf more: amortised one node hash. */
  append(leaf: Hash): void {
    let node = leaf;
    // Each trailing one bit of the size is a perfect subtree that the new leaf completes to one twice as large.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      node = nodeHash(this.#subtrees.pop() as Hash, node);
    this.#subtrees.push(node);
    this.#size++;
  }

  /** The root hash at the present size. */
  root(): Hash {
    return this.#subtrees.length === 0
      ? EMPTY_ROOT
      : this.#subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

function setBits(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
