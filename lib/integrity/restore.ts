import { rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { IntegrityError } from '../errors.js';
import { type Checkpoint } from './checkpoint.js';
import { newestCheckpoint } from './history.js';
import { type IntegrityLayout } from './layout.js';
import { countLeaves, LeafFile, readLeaves } from './leafFile.js';
import { EMPTY_MANIFEST, parseManifest, withSegment, type SegmentManifest } from './manifest.js';
import { CompactRange } from './merkle.js';
import { type NoteVerifier } from './note.js';
import { replay, startsLine, type Replayed, type ReplayStart } from './replay.js';
import { findSegments, type Segment } from './segments.js';
import { parseState, readIfThere, type SavedState } from './store.js';

/** A tree that goes on where the last writer stopped. */
export interface Restored {
  readonly tree: CompactRange;
  /** The newest checkpoint that was ever signed, as far as can be seen here. */
  readonly checkpoint: Checkpoint | undefined;
  readonly leaves: LeafFile;
  readonly manifest: SegmentManifest;
  /** Bytes of the file being written that the tree covers. */
  readonly offset: number;
  /** What whoever runs the log has to know. */
  readonly alarms: readonly string[];
}

/**
 * Finds the tree of a log: from the saved state, else from the leaf hashes, else from the log itself. Each is believed
 * only if it leads to the root of the newest checkpoint.
 *
 * @param log The path that the log is written to. Its last line must be whole.
 * @throws {IntegrityError} when none does: to go on would be to sign a second history.
 */
export async function restoreTree(
  log: string,
  layout: IntegrityLayout,
  verifiers: readonly NoteVerifier[],
): Promise<Restored> {
  const { checkpoint, alarms } = await newestCheckpoint(layout, verifiers);
  const state = parseState((await readIfThere(layout.state)) ?? '');
  const text = await readIfThere(layout.manifest);
  const manifest = text === undefined ? EMPTY_MANIFEST : parseManifest(text);
  const segments = await findSegments(log);
  const restoration = new Restoration(log, layout, segments, manifest, checkpoint, [...alarms]);
  const restored =
    (await restoration.fromState(state)) ?? (await restoration.fromLeaves()) ?? (await restoration.fromLog());
  if (restored !== undefined) return restored;
  throw new IntegrityError(
    `the log does not lead to its checkpoint of ${checkpoint?.size} records; ` +
      'run verify, keep the evidence, and start a new log under another path and origin',
  );
}

class Restoration {
  constructor(
    readonly log: string,
    readonly layout: IntegrityLayout,
    readonly segments: readonly Segment[],
    readonly manifest: SegmentManifest,
    readonly checkpoint: Checkpoint | undefined,
    readonly alarms: string[],
  ) {}

  get sealed(): number {
    return this.checkpoint?.size ?? 0;
  }

  get root(): string {
    return this.checkpoint?.root ?? new CompactRange().root();
  }

  /** The usual way: nothing is read again but what was written after the last checkpoint. */
  async fromState(state: SavedState | undefined): Promise<Restored | undefined> {
    if (state === undefined || state.size !== this.sealed || state.segment !== this.manifest.current)
      return undefined;
    const tree = CompactRange.restore(state.size, state.subtrees);
    if (tree?.root() !== this.root || (await countLeaves(this.layout.leaves)) < state.size) return undefined;
    const [current] = this.#tail();
    if (current === undefined || !(await startsLine(current.path, state.offset))) return undefined;
    const restored = await this.#goOn(tree, { offset: state.offset });
    if (state.closed && tree.size > state.size)
      this.alarms.push(`${tree.size - state.size} records were added while no writer had the log open`);
    return restored;
  }

  /** Without a state, or with one that a crash left behind. Hashes after the checkpoint count as the log's own lines do. */
  async fromLeaves(): Promise<Restored | undefined> {
    if ((await countLeaves(this.layout.leaves)) < Math.max(this.sealed, this.manifest.current, 1))
      return undefined;
    const tree = new CompactRange();
    let sound = this.sealed === 0;
    for await (const batch of readLeaves(this.layout.leaves)) {
      for (const leaf of batch) {
        tree.append(leaf);
        if (tree.size === this.sealed) sound = tree.root() === this.root;
      }
    }
    return sound ? this.#goOn(tree, { lines: tree.size - this.manifest.current }) : undefined;
  }

  /** Every line again. New hashes go beside the old ones, which are evidence until the new ones have proved right. */
  async fromLog(): Promise<Restored | undefined> {
    const path = `${this.layout.leaves}.new`;
    const leaves = await LeafFile.open(path, 0);
    const tree = new CompactRange();
    let sound = this.sealed === 0;
    const replayed = await replay(this.segments, tree, leaves, { offset: 0 }, () => {
      if (tree.size === this.sealed) sound = tree.root() === this.root;
    });
    if (!sound) {
      await leaves.close();
      return undefined;
    }
    await rename(path, this.layout.leaves);
    if (this.checkpoint === undefined && tree.size > 0)
      this.alarms.push(
        `${tree.size} records were there before any checkpoint; they are sealed as they stand`,
      );
    return this.#restored(tree, leaves, EMPTY_MANIFEST, this.segments, replayed);
  }

  /** Takes the lines that follow in the file being written, and in those that a crash kept out of the manifest. */
  async #goOn(tree: CompactRange, from: ReplayStart): Promise<Restored> {
    const leaves = await LeafFile.open(this.layout.leaves, tree.size);
    const known = tree.size;
    const segments = this.#tail();
    const replayed = await replay(segments, tree, leaves, from);
    const restored = this.#restored(tree, leaves, this.manifest, segments, replayed);
    if (replayed.found) return restored;
    this.alarms.push(
      `the log has lost records before index ${known}, which were in its tree; the tree goes on behind them`,
    );
    const { manifest, offset } = restored;
    return offset > 0 ? restored : { ...restored, manifest: withSegment(manifest, undefined, known) };
  }

  /** The file being written is the last of the segments; those before it without a range are not in the manifest yet. */
  #tail(): Segment[] {
    return this.segments.filter(({ range }) => range === undefined);
  }

  #restored(
    tree: CompactRange,
    leaves: LeafFile,
    known: SegmentManifest,
    segments: readonly Segment[],
    { ends, offset }: Replayed,
  ): Restored {
    let manifest = known;
    segments.forEach(({ path }, at) => {
      if (path !== this.log) manifest = withSegment(manifest, basename(path, '.gz'), ends[at] ?? tree.size);
    });
    return { tree, leaves, manifest, offset, checkpoint: this.checkpoint, alarms: this.alarms };
  }
}
