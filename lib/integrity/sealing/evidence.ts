import {
  parseCheckpoint,
  splitNotes,
  type Checkpoint,
  cosignaturesOf,
  withSignatures,
} from '../tlog/checkpoint.js';
import { parseNote, type NoteSignature } from '../tlog/note.js';
import {
  formatSegmentList,
  appendToFile,
  formatState,
  makeFolder,
  readIfThere,
  replaceFile,
  type IntegrityLayout,
  type SegmentList,
  type SavedState,
} from '../storage/files.js';
import { witnessKeys, type WitnessPolicy } from '../tlog/policy.js';

/** Writes what a sealed log keeps beside itself, each in an order that a crash at any moment leaves whole. */
export class Evidence {
  readonly #layout: IntegrityLayout;
  /** Several anchors may report at once; the file is replaced once at a time. */
  #anchoring: Promise<void> = Promise.resolve();
  /** The newest checkpoint is replaced by a newer one, and by itself with more signatures: once at a time. */
  #checkpointing: Promise<void> = Promise.resolve();

  constructor(layout: IntegrityLayout) {
    this.#layout = layout;
  }

  /** Makes the folder, and mends what a crash may have left behind the newest checkpoint. */
  async prepare(vkeys: readonly string[], newest: Checkpoint | undefined): Promise<void> {
    const layout = this.#layout;
    await makeFolder(layout.folder);
    const keys = vkeys.map((vkey) => `${vkey}\n`).join('');
    if ((await readIfThere(layout.vkey)) !== keys) await replaceFile(layout.vkey, keys);
    if (newest === undefined) return;
    if ((await readIfThere(layout.checkpoint)) !== newest.note)
      await replaceFile(layout.checkpoint, newest.note);
    const { notes, rest } = splitNotes((await readIfThere(layout.history)) ?? '');
    if (notes.at(-1) !== newest.note || rest !== '')
      await replaceFile(
        layout.history,
        [...notes.filter((note) => note !== newest.note), newest.note].join(''),
      );
  }

  /** A signed checkpoint is on the disk before anchors and witnesses get it. The state follows, and may be lost. */
  async saveCheckpoint({ note }: Checkpoint): Promise<void> {
    await this.#inTurn(() => replaceFile(this.#layout.checkpoint, note));
    await appendToFile(this.#layout.history, note, false);
  }

  /**
   * Checkpoints that witnesses cosigned: those to keep, oldest first, of which the last may be the newest of the log and is
   * then kept in its place, too.
   */
  saveCosigned(notes: readonly string[]): Promise<void> {
    const newest = notes.at(-1);
    return this.#inTurn(async () => {
      await replaceFile(this.#layout.cosigned, notes.join(''));
      const current = await readIfThere(this.#layout.checkpoint);
      if (newest !== undefined && current !== undefined && parseNote(current).text === parseNote(newest).text)
        await replaceFile(this.#layout.checkpoint, newest);
    });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#checkpointing.then(task);
    this.#checkpointing = done.catch(() => undefined);
    return done;
  }

  /** What {@link saveCosigned} kept; nothing if it is damaged. */
  async cosigned(): Promise<Checkpoint[]> {
    try {
      return splitNotes((await readIfThere(this.#layout.cosigned)) ?? '').notes.map(parseCheckpoint);
    } catch {
      return [];
    }
  }

  /** Not durable by itself: without it the tree is found from the leaf hashes. */
  async saveState(state: SavedState): Promise<void> {
    await replaceFile(this.#layout.state, formatState(state), false);
  }

  /** Which records are in which file. */
  async saveSegmentList(segmentList: SegmentList): Promise<void> {
    await replaceFile(this.#layout.segments, formatSegmentList(segmentList));
  }

  /** The newest checkpoint that an anchor took, and no older one after it. */
  saveAnchored(checkpoint: Checkpoint): Promise<void> {
    this.#anchoring = this.#anchoring
      .catch(() => undefined)
      .then(async () => {
        const size = (await this.anchored())?.size ?? -1;
        if (checkpoint.size > size) await replaceFile(this.#layout.anchored, checkpoint.note);
      });
    return this.#anchoring;
  }

  /** What {@link saveAnchored} kept; nothing if it is damaged. */
  async anchored(): Promise<Checkpoint | undefined> {
    const note = await readIfThere(this.#layout.anchored);
    try {
      return note === undefined ? undefined : parseCheckpoint(note);
    } catch {
      return undefined;
    }
  }
}

/**
 * The cosigned checkpoints of a log that are worth keeping: the newest that enough witnesses have cosigned, and those after
 * it, whose cosignatures are still coming in.
 */
export class CosignedCheckpoints {
  readonly #policy: WitnessPolicy;
  #kept: Checkpoint[];

  /** @param kept What was kept before, oldest first. */
  constructor(policy: WitnessPolicy, kept: readonly Checkpoint[]) {
    this.#policy = policy;
    this.#kept = [...kept];
  }

  /** The notes to keep, oldest first. */
  get notes(): string[] {
    return this.#kept.map(({ note }) => note);
  }

  /** Adds the cosignatures that one witness gave for a checkpoint. */
  add(checkpoint: Checkpoint, signatures: readonly NoteSignature[]): void {
    const { text } = parseNote(checkpoint.note);
    const same = this.#kept.find(({ note }) => parseNote(note).text === text);
    const note = withSignatures((same ?? checkpoint).note, signatures);
    const others = this.#kept.filter((each) => each !== same);
    this.#kept = [...others, { ...checkpoint, note }].sort((a, b) => a.size - b.size);
    const enough = this.#kept.map((each) => isCosigned(each.note, this.#policy)).lastIndexOf(true);
    if (enough > 0) this.#kept = this.#kept.slice(enough);
  }
}

/** Whether enough witnesses of a policy have cosigned a checkpoint. */
export function isCosigned(note: string, policy: WitnessPolicy): boolean {
  return policy.isMetBy(cosignaturesOf(note, witnessKeys(policy)).map(({ witness }) => witness));
}

/** What a log needs from the writer of its file. */
export interface LogWriter {
  /** Resolves when all lines that were appended are on the disk. */
  sync(): Promise<void>;
  /** Reports a fault of the evidence. Writing to the log continues. */
  onError(error: Error): void;
}
