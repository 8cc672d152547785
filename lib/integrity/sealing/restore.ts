import { rename, rm, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Checkpoint } from '../tlog/checkpoint.js';
import { newestCheckpoint, UnaccountedError, type Anchored } from './start.js';
import {
  EMPTY_SEGMENT_LIST,
  parseSegmentList,
  withSegment,
  parseState,
  readIfThere,
  type IntegrityLayout,
  type SegmentList,
  type SavedState,
} from '../storage/files.js';
import { countLeaves, LeafFile, readLeaves } from '../storage/leafFile.js';
import { EMPTY_ROOT, type Hash, CompactRange, leafHash } from '../tlog/merkle.js';
import type { NoteVerifier } from '../tlog/note.js';
import { findSegments, readSegments, readLines, type Segment } from '../storage/segments.js';
import type { AnnouncedLines, LineCheck, TreePlace } from './announced.js';

/** The tree of a log as the last writer left it, ready to take more lines. */
export interface Restored {
  readonly tree: CompactRange;
  /** Where the next line stands. */
  readonly place: TreePlace;
  /** The newest checkpoint that was ever signed, as far as can be seen here. */
  readonly checkpoint: Checkpoint | undefined;
  readonly leaves: LeafFile;
  readonly segmentList: SegmentList;
  /** Bytes of the file being written that the tree covers. */
  readonly offset: number;
  /** Messages for the operator of the log. */
  readonly alarms: readonly string[];
}

/**
 * Finds the tree of a log: from the saved state, else from the leaf hashes, else from the log itself. Each is believed
 * only if it leads to the root of the newest checkpoint.
 *
 * @param log The path that the log is written to. Its last line must be whole.
 * @param anchored What the anchors of the log know of it.
 * @param announced What vouches for lines behind the newest checkpoint. Without it they are taken as they are.
 * @throws {UnaccountedError} when none does: continuing would sign a second history. It carries the number of lines where the only
 * fault is that the last of them are not vouched for, and the machine has started anew since.
 */
export async function restoreTree(
  log: string,
  layout: IntegrityLayout,
  verifiers: readonly NoteVerifier[],
  anchored?: Anchored,
  announced?: Pick<AnnouncedLines, 'checker' | 'isOfEarlierBoot'>,
): Promise<Restored> {
  const found = await newestCheckpoint(layout, verifiers, anchored?.checkpoint);
  const { checkpoint } = found;
  const alarms = [...(anchored?.alarms ?? []), ...found.alarms];
  const state = parseState((await readIfThere(layout.state)) ?? '');
  const text = await readIfThere(layout.segments);
  const segmentList = text === undefined ? EMPTY_SEGMENT_LIST : accountedList(text);
  const segments = await findSegments(log);
  if (anchored?.checkpoint !== undefined && anchored.checkpoint.size < (checkpoint?.size ?? 0))
    await requireExtension(layout, anchored.checkpoint, checkpoint);
  const restoration = new Restoration({ log, layout, segments, segmentList, checkpoint, alarms, announced });
  const restored =
    (await restoration.fromState(state)) ?? (await restoration.fromLeaves()) ?? (await restoration.fromLog());
  if (restored !== undefined) {
    if (restoration.foreign === 0) return restored;
    await restored.leaves.close();
    const { foreign } = restoration;
    const message = `behind the last checkpoint ${foreign === 1 ? 'stands a line' : `stand ${foreign} lines`} that the writer of the log did not write`;
    const isOfPowerCut = restoration.isForeignAtEnd && announced?.isOfEarlierBoot() === true;
    throw new UnaccountedError(message, isOfPowerCut ? foreign : undefined);
  }
  throw new UnaccountedError(`the log does not lead to its checkpoint of ${checkpoint?.size} records`);
}

function accountedList(text: string): SegmentList {
  try {
    return parseSegmentList(text);
  } catch (error) {
    throw new UnaccountedError((error as Error).message);
  }
}

/** Whether the stored hashes that lead to the newest checkpoint lead to an older one that an anchor has, too. */
async function requireExtension(
  layout: IntegrityLayout,
  older: Checkpoint,
  newest: Checkpoint | undefined,
): Promise<void> {
  if (newest === undefined || (await countLeaves(layout.leaves)) < newest.size) return;
  const tree = new CompactRange();
  let before = tree.root();
  for await (const batch of readLeaves(layout.leaves, newest.size))
    for (const leaf of batch) {
      tree.append(leaf);
      if (tree.size === older.size) before = tree.root();
    }
  if (tree.root() === newest.root && before !== older.root)
    throw new UnaccountedError(
      `the log at ${newest.size} records does not extend the log at ${older.size}, which an anchor has`,
    );
}

/** The leaf that stands before an index; that of an empty log where none does. */
async function leafBefore(path: string, index: number): Promise<Hash> {
  if (index === 0) return EMPTY_ROOT;
  for await (const [leaf] of readLeaves(path, 1, index - 1)) return leaf ?? EMPTY_ROOT;
  return EMPTY_ROOT;
}

/** What a restoration starts from. */
interface Parts {
  readonly log: string;
  readonly layout: IntegrityLayout;
  readonly segments: readonly Segment[];
  readonly segmentList: SegmentList;
  readonly checkpoint: Checkpoint | undefined;
  readonly alarms: readonly string[];
  readonly announced: Pick<AnnouncedLines, 'checker'> | undefined;
}

class Restoration {
  readonly log: string;
  readonly layout: IntegrityLayout;
  readonly segments: readonly Segment[];
  readonly segmentList: SegmentList;
  readonly checkpoint: Checkpoint | undefined;
  readonly alarms: string[];
  readonly #announced: Parts['announced'];
  #vouched: LineCheck = () => true;
  /** The last leaf that was passed. */
  #last: Hash = EMPTY_ROOT;
  /** Lines behind the checkpoint for which nothing vouches, as the way that was gone last found them. */
  foreign = 0;
  /** Whether all that follows the first of them is of their kind. */
  isForeignAtEnd = true;

  constructor({ log, layout, segments, segmentList, checkpoint, alarms, announced }: Parts) {
    this.log = log;
    this.layout = layout;
    this.segments = segments;
    this.segmentList = segmentList;
    this.checkpoint = checkpoint;
    this.alarms = [...alarms];
    this.#announced = announced;
  }

  /** Each way begins to count anew. */
  #begin(last: Hash = EMPTY_ROOT): void {
    this.foreign = 0;
    this.isForeignAtEnd = true;
    this.#last = last;
    this.#vouched = this.#announced?.checker() ?? (() => true);
  }

  /** A leaf was appended to the tree. */
  #pass(tree: CompactRange, leaf: Hash): void {
    const place = { size: tree.size - 1, last: this.#last };
    if (tree.size > this.sealed) {
      if (!this.#vouched(place, leaf)) this.foreign++;
      else if (this.foreign > 0) this.isForeignAtEnd = false;
    }
    this.#last = leaf;
  }

  get sealed(): number {
    return this.checkpoint?.size ?? 0;
  }

  get root(): string {
    return this.checkpoint?.root ?? new CompactRange().root();
  }

  /** The usual way: nothing is read again but what was written after the last checkpoint. */
  async fromState(state: SavedState | undefined): Promise<Restored | undefined> {
    if (
      this.checkpoint === undefined ||
      state === undefined ||
      state.size !== this.sealed ||
      state.segment !== this.segmentList.current
    )
      return undefined;
    const tree = CompactRange.restore(state.size, state.subtrees);
    if (tree?.root() !== this.root || (await countLeaves(this.layout.leaves)) < state.size) return undefined;
    this.#begin(await leafBefore(this.layout.leaves, state.size));
    const [current] = this.#tail();
    if (current === undefined || !(await startsLine(current.path, state.offset))) return undefined;
    const restored = await this.#goOn(tree, { offset: state.offset });
    if (!state.closed || tree.size === state.size) return restored;
    await restored.leaves.close();
    throw new UnaccountedError(
      `${tree.size - state.size} records were added while no writer had the log open`,
    );
  }

  /** Without a state, or with one that a crash left behind. Hashes after the checkpoint count as the log's own lines do. */
  async fromLeaves(): Promise<Restored | undefined> {
    // Without a checkpoint nothing vouches for a hash.
    if (this.checkpoint === undefined) return undefined;
    if ((await countLeaves(this.layout.leaves)) < Math.max(this.sealed, this.segmentList.current, 1))
      return undefined;
    this.#begin();
    const tree = new CompactRange();
    let sound = this.sealed === 0;
    for await (const batch of readLeaves(this.layout.leaves)) {
      for (const leaf of batch) {
        tree.append(leaf);
        this.#pass(tree, leaf);
        if (tree.size === this.sealed) sound = tree.root() === this.root;
      }
    }
    // What is known by its hash alone may have no line that could be moved.
    if (this.foreign > 0) this.isForeignAtEnd = false;
    return sound ? this.#goOn(tree, { lines: tree.size - this.segmentList.current }) : undefined;
  }

  /** Every line again. New hashes go beside the old ones, which are evidence until the new ones have proved right. */
  async fromLog(): Promise<Restored | undefined> {
    const path = `${this.layout.leaves}.new`;
    this.#begin();
    const leaves = await LeafFile.open(path, 0);
    const tree = new CompactRange();
    let sound = this.sealed === 0;
    const replayed = await replay(this.segments, tree, leaves, { offset: 0 }, (leaf) => {
      this.#pass(tree, leaf);
      if (tree.size === this.sealed) sound = tree.root() === this.root;
    });
    if (!sound) {
      await leaves.close();
      return undefined;
    }
    if (this.checkpoint === undefined && tree.size > 0) {
      await leaves.close();
      await rm(path, { force: true });
      throw new UnaccountedError(`${tree.size} records were there before any checkpoint`);
    }
    await rename(path, this.layout.leaves);
    return this.#restored(tree, leaves, EMPTY_SEGMENT_LIST, this.segments, replayed);
  }

  /** Takes the lines that follow in the file being written, and in those that a crash kept out of the segment list. */
  async #goOn(tree: CompactRange, from: ReplayStart): Promise<Restored> {
    const leaves = await LeafFile.open(this.layout.leaves, tree.size);
    const known = tree.size;
    const segments = this.#tail();
    const replayed = await replay(segments, tree, leaves, from, (leaf) => this.#pass(tree, leaf));
    const restored = this.#restored(tree, leaves, this.segmentList, segments, replayed);
    if (replayed.found) return restored;
    this.alarms.push(
      `the log has lost records before index ${known}, which were in its tree; the tree goes on behind them`,
    );
    const { segmentList, offset } = restored;
    return offset > 0 ? restored : { ...restored, segmentList: withSegment(segmentList, undefined, known) };
  }

  /** The file being written is the last of the segments; those before it without a range are not in the segment list yet. */
  #tail(): Segment[] {
    return this.segments.filter(({ range }) => range === undefined);
  }

  #restored(
    tree: CompactRange,
    leaves: LeafFile,
    known: SegmentList,
    segments: readonly Segment[],
    { ends, offset }: Replayed,
  ): Restored {
    let segmentList = known;
    segments.forEach(({ path }, at) => {
      if (path !== this.log)
        segmentList = withSegment(segmentList, basename(path, '.gz'), ends[at] ?? tree.size);
    });
    const place = { size: tree.size, last: this.#last };
    return { tree, place, leaves, segmentList, offset, checkpoint: this.checkpoint, alarms: this.alarms };
  }
}

/** Leaf hashes that are kept in memory at most while a log is read again. */
const FLUSH_LEAVES = 1 << 15;
const LF = 0x0a;

/** Where lines are to be taken from: a byte offset in the first segment, or behind a number of lines. */
type ReplayStart = { readonly offset: number } | { readonly lines: number };

/** How far a replay got. */
interface Replayed {
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
async function replay(
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
    for await (const batch of readLines(readSegments([segment], { startAt }))) {
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
