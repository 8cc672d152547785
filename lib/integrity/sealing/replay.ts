import { open, stat } from 'node:fs/promises';
import { leafHash, type Hash } from '../tlog/merkle.js';
import { type LeafFile } from '../storage/leafFile.js';
import { readLines } from '../storage/lines.js';
import { type CompactRange } from '../tlog/merkle.js';
import { readSegments, type Segment } from '../storage/segments.js';

/** Leaf hashes that are kept in memory at most while a log is read again. */
const FLUSH_LEAVES = 1 << 15;
const LF = 0x0a;

/** Where lines are to be taken from: a byte offset in the first segment, or behind a number of lines. */
export type ReplayStart = { readonly offset: number } | { readonly lines: number };

/** How far a replay got. */
export interface Replayed {
  /** For each segment, the index that follows its last record. */
  readonly ends: readonly number[];
  /** The offset behind the last whole line of the last segment. */
  readonly offset: number;
  /** Whether the segments reach as far as the start. */
  readonly found: boolean;
}

/**
 * Takes the whole lines of segments into a tree. A torn last line is left alone: the writer of the log repairs it.
 *
 * @param onLeaf Called after each line.
 */
export async function replay(
  segments: readonly Segment[],
  tree: CompactRange,
  leaves: LeafFile,
  from: ReplayStart,
  onLeaf: (leaf: Hash) => void = () => undefined,
): Promise<Replayed> {
  let [startAt, toSkip] = 'offset' in from ? [from.offset, 0] : [0, from.lines];
  const ends: number[] = [];
  let offset = 0;
  for (const segment of segments) {
    offset = startAt;
    for await (const batch of readLines(readSegments([segment], startAt))) {
      for (const { bytes, torn, ...line } of batch) {
        if (torn) break;
        offset = line.offset + bytes.length + 1;
        if (toSkip-- > 0) continue;
        const leaf = leafHash(bytes);
        tree.append(leaf);
        leaves.add(leaf);
        onLeaf(leaf);
      }
      if (leaves.pending >= FLUSH_LEAVES) await leaves.flush();
    }
    ends.push(tree.size - Math.max(toSkip, 0));
    startAt = 0;
  }
  await leaves.flush();
  return { ends, offset, found: toSkip <= 0 };
}

/** Whether a line starts at an offset of a plain file: what stands before it is the end of another. */
export async function startsLine(path: string, offset: number): Promise<boolean> {
  if (offset === 0) return true;
  if (path.endsWith('.gz') || (await sizeOf(path)) < offset) return false;
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset - 1);
    return buffer[0] === LF;
  } finally {
    await file.close();
  }
}

/** The size of a file in bytes; 0 if there is none. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
}
