import { type Hash } from '../hash.js';
import { consistencyRanges, ProofCollector, type LeafRange } from '../proof.js';

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
