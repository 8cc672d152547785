import { after } from '../../internal/duration.js';
import { IntegrityError } from '../../errors.js';
import { AnchorQueue, waitAtMost, reasonOf } from './anchors.js';
import { AnnouncedLines, type Announcement } from './announced.js';
import { formatTreeHead, type Checkpoint } from '../tlog/checkpoint.js';
import { Evidence, type LogWriter, CosignedCheckpoints } from './evidence.js';
import { leafHash, MAX_LINE_BYTES, type Hash, type CompactRange } from '../tlog/merkle.js';
import {
  integrityLayout,
  withSegment,
  makeFolder,
  stateOf,
  type IntegrityLayout,
  type SegmentList,
} from '../storage/files.js';
import type { LeafFile } from '../storage/leafFile.js';
import { formatVkey } from '../tlog/note.js';
import type { ResolvedIntegrity } from './options.js';
import { restoreTree, type Restored } from './restore.js';
import { readAnchors } from './start.js';
import { Timestamps } from './timestamps.js';
import { Witnesses } from './witnesses.js';

/** A start does not wait longer than this for what signs. */
const FIRST_SEAL_MS = 5_000;

/**
 * Keeps the Merkle tree of a log while its file is written, and seals it with checkpoints. It never signs a tree that is
 * not an extension of the last one it signed, and it never makes a writer wait but at the end.
 *
 * @example
 * ```ts
 * const log = await MerkleLog.open('audit.jsonl', resolveIntegrity({ origin, key }), writer);
 * log.append([line]); // after the line is in the file
 * await log.close();
 * ```
 */
export class MerkleLog {
  readonly #options: ResolvedIntegrity;
  readonly #writer: LogWriter;
  readonly #evidence: Evidence;
  readonly #anchors: readonly AnchorQueue[];
  #witnesses: Witnesses | undefined;
  #timestamps: Timestamps | undefined;
  readonly #tree: CompactRange;
  readonly #leaves: LeafFile;
  readonly #announced: AnnouncedLines;
  #segmentList: SegmentList;
  #offset: number;
  #last: Checkpoint | undefined;
  /** Seals follow each other: the end of the last one. */
  #queue: Promise<unknown> = Promise.resolve();
  #sealing = false;
  /** After a failure, the next attempt is the timer's. */
  #failed = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    options: ResolvedIntegrity,
    writer: LogWriter,
    evidence: Evidence,
    restored: Restored & { readonly announced: AnnouncedLines },
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#evidence = evidence;
    this.#tree = restored.tree;
    this.#leaves = restored.leaves;
    this.#announced = restored.announced;
    this.#segmentList = restored.segmentList;
    this.#offset = restored.offset;
    this.#last = restored.checkpoint;
    const events = {
      onAnchored: (checkpoint: Checkpoint) => evidence.saveAnchored(checkpoint),
      onError: (cause: Error) =>
        writer.onError(new IntegrityError(`the anchor failed (${reasonOf(cause)})`, { cause })),
    };
    this.#anchors = options.anchors.map((anchor) => new AnchorQueue(anchor, events));
  }

  /**
   * Continues a log, or starts one. Lines that are in the file already become part of the tree.
   *
   * @param log The path of its file, whose last line must be whole. It must have no other writer at the time.
   * @throws {UnaccountedError} when the log does not lead to its newest checkpoint, wherever that is kept, or holds records
   * that its evidence does not account for; another {@link IntegrityError} when an unknown key signed its checkpoint.
   */
  static async open(log: string, options: ResolvedIntegrity, writer: LogWriter): Promise<MerkleLog> {
    const layout = integrityLayout(log);
    await makeFolder(layout.folder);
    const anchored = await readAnchors(options);
    const onError = (error: Error) => writer.onError(error);
    const announced = new AnnouncedLines(layout, options.signer, onError);
    const restored = await restoreTree(log, layout, options.verifiers, anchored, announced);
    await announced.start(restored.place);
    const evidence = new Evidence(layout);
    const vkeys = options.verifiers.map(({ name, publicKey }) => formatVkey(name, publicKey));
    await evidence.prepare(vkeys, restored.checkpoint);
    const opened = new MerkleLog(options, writer, evidence, { ...restored, announced });
    opened.#witnesses = await opened.#openWitnesses(layout);
    if (options.timestamps !== undefined) {
      opened.#timestamps = new Timestamps({ ...options.timestamps, folder: layout.timestamps, onError });
    }
    await opened.#start();
    for (const alarm of restored.alarms) writer.onError(new IntegrityError(`${log}: ${alarm}`));
    return opened;
  }

  async #start(): Promise<void> {
    await this.#evidence.saveSegmentList(this.#segmentList);
    await this.#saveState();
    const anchored = await this.#evidence.anchored();
    if (this.#last !== undefined && this.#last.size > (anchored?.size ?? -1))
      for (const anchor of this.#anchors) anchor.offer(this.#last);
    if (this.#last !== undefined && this.#last.size === this.#tree.size)
      this.#witnesses?.offer(this.#last, { size: this.#tree.size, subtrees: [...this.#tree.subtrees] });
    // After a crash, nothing would show who wrote records that no checkpoint precedes.
    if (this.#last === undefined) await this.#sealEmpty();
    else if (this.#last.size < this.#tree.size) this.#sealSoon();
  }

  /** Seals a log that is empty still. What fails is reported, and tried again by the timer. */
  async #sealEmpty(): Promise<void> {
    await waitAtMost(
      FIRST_SEAL_MS,
      this.seal().catch((error: unknown) => this.#report(error)),
    );
  }

  async #openWitnesses(layout: IntegrityLayout): Promise<Witnesses | undefined> {
    const { witnesses } = this.#options;
    if (witnesses === undefined) return undefined;
    const evidence = this.#evidence;
    const cosigned = new CosignedCheckpoints(witnesses.policy, await evidence.cosigned());
    return Witnesses.open({
      ...witnesses,
      layout,
      onCosigned: (checkpoint, signatures) => {
        cosigned.add(checkpoint, signatures);
        return evidence.saveCosigned(cosigned.notes);
      },
      onError: (error) => this.#writer.onError(error),
    });
  }

  /** How many records the log holds. */
  get size(): number {
    return this.#tree.size;
  }

  /** The newest checkpoint; none before the first was signed. */
  get checkpoint(): Checkpoint | undefined {
    return this.#last;
  }

  /**
   * Writes down that lines are about to be written to the file: their exact bytes, without LF. After a crash, lines behind
   * the last checkpoint belong to the log only if they were announced. Lines that are not announced are so when they are
   * appended, which a crash in between makes foreign to the log.
   *
   * @returns what {@link append} takes when the lines are written. It is to be withdrawn if they could not be.
   */
  announce(lines: Iterable<Uint8Array>): Announcement {
    return this.#announced.announce(lines);
  }

  /** Brings to the disk what was announced. What fails is reported. */
  syncAnnounced(): Promise<void> {
    return this.#announced.sync();
  }

  /** The same as {@link syncAnnounced} without an event loop. */
  syncAnnouncedNow(): void {
    this.#announced.syncNow();
  }

  /**
   * Takes lines that have been written to the file, in order: their exact bytes, without LF.
   *
   * @param announcement What {@link announce} returned for these very lines; they are not hashed again then.
   */
  append(lines: Iterable<Uint8Array>, announcement?: Announcement): void {
    const leaves: Hash[] = [];
    for (const line of lines) {
      const { length } = line;
      if (length > MAX_LINE_BYTES)
        this.#writer.onError(
          new IntegrityError(
            `record ${this.size} has ${length} bytes; export-tiles takes ${MAX_LINE_BYTES} at most`,
          ),
        );
      const leaf = announcement?.leaves[leaves.length] ?? leafHash(line);
      leaves.push(leaf);
      this.#tree.append(leaf);
      this.#leaves.add(leaf);
      this.#offset += length + 1;
    }
    this.#announced.appended(leaves, announcement);
    if (this.#unsealed >= this.#options.every && !this.#failed) this.#sealSoon();
    else this.#sealLater();
  }

  get #unsealed(): number {
    return this.#tree.size - (this.#last?.size ?? 0);
  }

  /**
   * Seals what was appended up to now.
   *
   * @returns the newest checkpoint.
   * @throws whatever kept it from being made: an error of the disk, of what signs, an {@link IntegrityError}.
   */
  seal(): Promise<Checkpoint> {
    return this.#enqueue(() => this.#seal());
  }

  /** Seals what there is. What fails is reported, and tried again by the timer. */
  async flush(): Promise<void> {
    if (this.size > 0) await this.seal().catch((error: unknown) => this.#report(error));
  }

  /**
   * The file was finished; the next line goes to a new one under the same path.
   *
   * @param name What the file is called now, in the same folder; nothing if that is not known.
   * @returns when the file is sealed and listed; what fails is reported.
   */
  rotated(name?: string): Promise<void> {
    this.#segmentList = withSegment(this.#segmentList, name, this.#tree.size);
    this.#offset = 0;
    const segmentList = this.#segmentList;
    return this.#enqueue(async () => {
      await this.#seal().catch((error: unknown) => this.#report(error));
      await this.#evidence.saveSegmentList(segmentList);
      await this.#saveState();
    }).catch((error: unknown) => this.#report(error));
  }

  /**
   * The file is (still, or again) open and holds so many bytes. If that is not what was appended, another program has changed the
   * file: that is reported, and the tree stays as it is.
   */
  reopened(size: number): void {
    if (size === this.#offset) return;
    // An empty file in the place of one with records: that one was renamed, copied away or deleted.
    if (size === 0) return void this.rotated();
    const change = size - this.#offset;
    const what = change > 0 ? `${change} bytes were added` : `${-change} bytes were removed`;
    this.#writer.onError(new IntegrityError(`${what} by somebody else; verify will name them`));
    this.#offset = size;
  }

  /** Seals what is left, makes a last attempt at the anchors, and lets go of all files. What fails is reported. */
  close(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#seal().catch((error: unknown) => this.#report(error));
      clearTimeout(this.#timer);
      await this.#saveState(true).catch((error: unknown) => this.#report(error));
      await this.#leaves.close();
      await this.#announced.close();
      await Promise.all([...this.#anchors, this.#witnesses, this.#timestamps].map((each) => each?.flush()));
    });
  }

  /** Lets go of all files and writes nothing any more: the log and its evidence are another writer's now. */
  abandon(): Promise<void> {
    return this.#enqueue(async () => {
      clearTimeout(this.#timer);
      await this.#leaves.close();
      await this.#announced.close();
    });
  }

  /** One after the other, whatever becomes of each. */
  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #seal(): Promise<Checkpoint> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const size = this.#tree.size;
    const root = this.#tree.root();
    if (this.#last?.size === size) return this.#last;
    // Lines may be appended while the seal is made. The state is that of the tree which is signed.
    const state = stateOf(this.#tree, this.#place);
    try {
      this.#announced.begin();
      // A checkpoint that outlives the records it covers would make an honest log look cut off.
      await this.#writer.sync();
      await this.#leaves.flush();
      const note = await this.#options.signer.sign(formatTreeHead({ origin: this.#origin, size, root }));
      const checkpoint = { origin: this.#origin, size, root, note };
      await this.#evidence.saveCheckpoint(checkpoint);
      this.#last = checkpoint;
      this.#failed = false;
      this.#announced.end();
      for (const anchor of this.#anchors) anchor.offer(checkpoint);
      this.#witnesses?.offer(checkpoint, state);
      this.#timestamps?.offer(checkpoint);
      await this.#evidence.saveState(state);
      return checkpoint;
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      if (this.#unsealed > 0) this.#sealLater();
    }
  }

  #sealSoon(): void {
    if (this.#sealing) return;
    this.#sealing = true;
    void this.seal()
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#sealing = false;
      });
  }

  /** The timer starts with the first record that has no checkpoint, so an idle log is sealed as well. */
  #sealLater(): void {
    this.#timer ??= after(this.#options.milliseconds, () => {
      this.#timer = undefined;
      this.#sealSoon();
    }).unref();
  }

  #report(error: unknown): void {
    this.#writer.onError(
      new IntegrityError(`no checkpoint could be made (${reasonOf(error)})`, { cause: error }),
    );
  }

  #saveState(closed = false): Promise<void> {
    return this.#evidence.saveState(stateOf(this.#tree, this.#place, closed));
  }

  get #place(): { segment: number; offset: number } {
    return { segment: this.#segmentList.current, offset: this.#offset };
  }

  get #origin(): string {
    return this.#options.signer.name;
  }
}
