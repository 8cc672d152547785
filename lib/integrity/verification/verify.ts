import { IntegrityError } from '../../errors.js';
import {
  isOfAnother,
  isSignedByOthers,
  openCheckpoint,
  restartedLog,
  type Checkpoint,
} from '../tlog/checkpoint.js';
import type { MissingSegment, UnreadableSegment, LogChunk } from '../storage/segments.js';
import { LeafComparison, type LeafSource, TreeBuilder, type Place } from './comparison.js';
import { DefinitionCheck, OrderCheck, seqOf } from './lineChecks.js';
import { sessionWarnings, tableOf, type Problem, type VerdictStatus, type VerifyReport } from './verdict.js';
import { hashToBase64 } from '../tlog/merkle.js';
import type { NoteVerifier } from '../tlog/note.js';
import { SessionCheck } from './sessions.js';
import { vouchedByTime, vouchedByWitnesses, type TimestampOptions, type Voucher } from './vouchers.js';
import type { WitnessPolicy } from '../tlog/policy.js';

export type { MissingSegment, UnreadableSegment } from '../storage/segments.js';

/** A checkpoint that a log is held against. */
export interface CheckpointInput {
  /** The signed note. */
  readonly note: string;
  /** What it is called in findings: a path, for instance. */
  readonly name: string;
  /** Whether it was kept out of reach of the log's writer. Only such a checkpoint shows a rollback. Default: false. */
  readonly keptElsewhere?: boolean;
}

/** What {@link verifyLog} holds a log against. */
export interface VerifyOptions {
  /** The keys that may have signed. */
  readonly verifiers: readonly NoteVerifier[];
  /** Where the keys are from: from beside the log they confirm nothing. Default: `given`. */
  readonly trust?: 'given' | 'beside';
  /** The checkpoint that speaks for the whole log. Without it the log is called unsealed. */
  readonly checkpoint?: CheckpointInput;
  /** Others, older or newer, from wherever: all have to fit the same log. */
  readonly others?: readonly CheckpointInput[];
  /** The leaf hashes as they were stored: with them, the very record is named that was changed. */
  readonly leaves?: LeafSource;
  /** The log is still being written: lines after the last checkpoint, and a torn last line, are no fault. Default: false. */
  readonly live?: boolean;
  /** Segments that are missing were deleted on purpose: their records are taken by their stored hashes. Default: false. */
  readonly allowMissing?: boolean;
  /** Whether every line has to be an audit record with a rising `seq`. Default: true. */
  readonly records?: boolean;
  /** Which witnesses must have cosigned the log. Default: none. */
  readonly policy?: WitnessPolicy;
  /** Timestamps to verify. Default: none. */
  readonly timestamps?: TimestampOptions;
  /** What is known to be damaged of what lies beside the log. Default: nothing. */
  readonly damage?: readonly Problem[];
}

/**
 * Verifies a log against checkpoints: streaming, in constant memory, near the speed of SHA-256.
 *
 * @param source The bytes of the log in order; from a file, an object store, anywhere.
 * @throws what reading the source throws. What is wrong with the log is in the report.
 * @example
 * ```ts
 * const report = await verifyLog(createReadStream('audit.jsonl'), {
 *   verifiers: [parseVkey(vkey)],
 *   checkpoint: { note: await readFile('audit.jsonl.integrity/checkpoint', 'utf8'), name: 'checkpoint' },
 * });
 * if (!report.ok) for (const { message } of report.problems) console.error(message);
 * ```
 */
export async function verifyLog(
  source: AsyncIterable<Uint8Array | LogChunk | MissingSegment | UnreadableSegment>,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const verification = new Verification(options);
  let offset = 0;
  for await (const part of source) {
    if (part instanceof Uint8Array) {
      const data = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      await verification.chunk({ data, segment: 'the log', offset });
      offset += part.length;
    } else if ('missing' in part) await verification.missing(part);
    else if ('unreadable' in part) verification.unreadable(part.unreadable);
    else await verification.chunk(part);
  }
  return verification.finish();
}

type Head = Checkpoint & { readonly name: string };

class Verification {
  readonly #options: VerifyOptions;
  readonly #problems: Problem[] = [];
  readonly #warnings: string[] = [];
  readonly #heads: Head[] = [];
  /** Every checkpoint that the log signed: of several of one size, one may have the cosignatures. */
  readonly #signed: Head[] = [];
  readonly #own: Head | undefined;
  readonly #builder: TreeBuilder;
  readonly #order = new OrderCheck();
  readonly #sessions = new SessionCheck();
  readonly #definitions = new DefinitionCheck();
  readonly #leaves: LeafComparison | undefined;
  readonly #byHash: { readonly first: number; readonly count: number; readonly because?: string }[] = [];
  #faults = { foreign: 0, order: 0, definition: 0 };
  #elsewhere = 0;
  #ofOthers = 0;
  /** Whether there are checkpoints, and none of them is damaged: then a wrong key is as likely as another log. */
  #strangers = { signed: 0, damaged: 0 };
  /** Without some of the leaves there is no root to compare. */
  #rootless = false;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#own = options.checkpoint && this.#open(options.checkpoint);
    for (const input of options.others ?? []) this.#open(input);
    this.#problems.push(...(options.damage ?? []));
    this.#heads.sort((a, b) => a.size - b.size);
    const sizes = [...new Set(this.#heads.map(({ size }) => size))];
    const visit = (options.records ?? true) ? this.#record.bind(this) : undefined;
    this.#builder = new TreeBuilder(sizes, visit);
    if (options.leaves !== undefined) this.#leaves = new LeafComparison(options.leaves, sizes.at(-1) ?? 0);
    if (this.#ofOthers > 0)
      this.#warnings.push(`${this.#ofOthers} checkpoints of other logs were passed over`);
  }

  /** Opens a checkpoint; a second one of the same size has to be the same. */
  #open({ note, name, keptElsewhere = false }: CheckpointInput): Head | undefined {
    try {
      // One anchor may serve several logs.
      if (keptElsewhere && this.#own !== undefined && isOfAnother(note, this.#own.origin)) {
        this.#ofOthers++;
        return undefined;
      }
      const head = { ...openCheckpoint(note, this.#options.verifiers), name };
      if (keptElsewhere) this.#elsewhere++;
      this.#signed.push(head);
      const twin = this.#heads.find(({ size }) => size === head.size);
      if (twin !== undefined && twin.root !== head.root)
        this.#problems.push({
          kind: 'fork',
          message: `${name} and ${twin.name} are of the same size, ${head.size}, and contradict each other: two histories were signed`,
        });
      else if (twin === undefined) this.#heads.push(head);
      return head;
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      const stranger = isSignedByOthers(note, this.#options.verifiers);
      this.#strangers[stranger ? 'signed' : 'damaged']++;
      this.#problems.push({
        kind: 'checkpoint',
        message: `${name}: ${this.#restarted(note) ?? error.message}`,
      });
      return undefined;
    }
  }

  /** What is said of a checkpoint by a trusted key under the name of a log that was started anew. */
  #restarted(note: string): string | undefined {
    const restarted = restartedLog(note, this.#options.verifiers);
    if (restarted === undefined) return undefined;
    return `the log was started anew as ${restarted.checkpoint.origin}, because what lay here before did not hold; that is another log, and the old one was set aside. Its verifier key is ${restarted.vkey}`;
  }

  #record(data: Buffer, start: number, end: number, index: number, place: Place): void {
    const seq = seqOf(data, start, end);
    this.#sessions.see(data, start, end);
    const mismatch = this.#definitions.see(data, start, end);
    if (mismatch !== undefined && this.#faults.definition++ === 0)
      this.#problems.push({
        kind: 'definition',
        message: `the record at index ${index} ${mismatch}`,
        index,
        ...place,
      });
    if (seq === undefined) {
      if (this.#faults.foreign++ === 0)
        this.#problems.push({
          kind: 'foreign',
          message: `line ${index} is no audit record`,
          index,
          ...place,
        });
    } else if (!this.#order.follows(seq, index) && this.#faults.order++ === 0) {
      const message = `the record at index ${index} has seq ${seq}, which does not follow the one before it`;
      this.#problems.push({ kind: 'order', message, index, ...place });
    }
  }

  async chunk(chunk: LogChunk): Promise<void> {
    const batch = this.#builder.push(chunk);
    await this.#leaves?.compare(batch);
  }

  /** What follows cannot be read. */
  unreadable(message: string): void {
    this.#rootless = true;
    this.#problems.push({ kind: 'segment', message, index: this.#builder.tree.size });
  }

  async missing({ missing, first, count, because, root }: MissingSegment): Promise<void> {
    const leaves = (await this.#leaves?.take(count)) ?? [];
    this.#builder.skip(leaves);
    if (leaves.length < count) this.#rootless = true;
    const range = `records ${first} to ${first + count - 1}`;
    const message =
      because === undefined ? `the segment ${missing} is missing, with ${range}` : `${range} ${because}`;
    const fault = (detail: string) =>
      this.#problems.push({ kind: 'segment', message: message + detail, index: first, segment: missing });
    if (leaves.length < count) fault('; without their hashes, what follows cannot be checked');
    else if (root !== undefined && this.#builder.tree.root() !== root)
      fault(', with another root than they were sealed with');
    else if (because !== undefined || this.#options.allowMissing === true) {
      this.#warnings.push(`${message}; they are taken by their stored hashes`);
      this.#byHash.push({ first, count, ...(because !== undefined && { because }) });
    } else fault('');
  }

  async finish(): Promise<VerifyReport> {
    this.#builder.finish();
    const { tree } = this.#builder;
    this.#findTorn();
    if (!this.#rootless) await this.#holdAgainstHeads();
    // The newest checkpoint covers the most records, wherever it lies.
    const newest = this.#heads.at(-1);
    const sealed = Math.min(newest?.size ?? 0, tree.size);
    if (newest !== undefined && this.#own !== undefined && this.#own.size < newest.size)
      this.#warnings.push(
        `${this.#own.name} covers ${this.#own.size} records, and is not the newest: ${newest.name} covers ${newest.size}`,
      );
    if (newest !== undefined && tree.size > sealed && this.#options.live !== true) this.#findUnsealed(sealed);
    const vouchers = await this.#vouchers();
    const [named = this.#own] = this.#heads;
    const problems = this.#problems.sort((a, b) => (a.index ?? -1) - (b.index ?? -1));
    const sessions = this.#options.records === false ? undefined : this.#sessions.finish();
    const facts = { ...(named && { origin: named.origin }), ...(sessions && { sessions }) };
    const found = { size: tree.size, sealed, problems, ...facts };
    const status = this.#status();
    return {
      ok: status === 'intact' || status === 'unconfirmed',
      status,
      ...found,
      root: hashToBase64(tree.root()),
      checks: tableOf({
        ...found,
        status,
        trust: this.#options.trust ?? 'given',
        elsewhere: this.#elsewhere,
        checkpoint: newest,
        reached: this.#heads.filter(({ size }) => size <= tree.size).at(-1),
        byHash: this.#byHash,
        records: this.#options.records ?? true,
        vouchers: vouchers.map(({ check }) => check),
      }),
      warnings: [...this.#warnings, ...this.#order.summary(), ...sessionWarnings(sessions)],
    };
  }

  /** What witnesses and time-stamping authorities say of checkpoints that the log leads to. */
  async #vouchers(): Promise<Voucher[]> {
    const { policy, timestamps, live = false } = this.#options;
    const { roots, tree } = this.#builder;
    const heads = this.#signed.filter(({ size, root }) => roots.get(size) === root);
    const vouchers: Voucher[] = [];
    if (policy !== undefined) vouchers.push(vouchedByWitnesses(policy, heads, tree.size, live));
    if (timestamps !== undefined) vouchers.push(await vouchedByTime(timestamps, heads));
    for (const { problems } of vouchers) this.#problems.push(...problems);
    return vouchers;
  }

  #status(): VerdictStatus {
    if (this.#heads.length === 0) {
      const { signed, damaged } = this.#strangers;
      if (damaged > 0) return 'broken';
      return signed > 0 ? 'untrusted' : 'unsealed';
    }
    if (this.#problems.length === 0) return this.#options.trust === 'beside' ? 'unconfirmed' : 'intact';
    const kinds = new Set(this.#problems.map(({ kind }) => kind));
    const unwitnessed = kinds.delete('unwitnessed');
    kinds.delete('unsealed');
    if (kinds.size > 0) return 'broken';
    return unwitnessed ? 'unwitnessed' : 'partly-sealed';
  }

  async #holdAgainstHeads(): Promise<void> {
    const { roots, tree, end, places } = this.#builder;
    const bad = this.#heads.find(({ size, root }) => size <= tree.size && roots.get(size) !== root);
    const beyond = this.#heads.filter(({ size }) => size > tree.size);
    const difference = (await this.#leaves?.finish(this.#heads)) ?? 'unknown';
    if (bad === undefined && beyond.length === 0) {
      if (difference !== 'sound' && this.#leaves !== undefined)
        this.#warnings.push('the stored leaf hashes are damaged; the log itself is not');
      return;
    }
    if (typeof difference !== 'string') {
      this.#problems.push(difference);
      return;
    }
    if (bad !== undefined) {
      const good = this.#heads.filter(({ size }) => size < bad.size).at(-1)?.size ?? 0;
      const range =
        bad.size - good === 1 ? `record ${good}` : `one of the records ${good} to ${bad.size - 1}`;
      const message = `${range} was changed, removed or moved: up to record ${good} the log is as it was sealed, and it does not lead to ${bad.name} of ${bad.size} records`;
      this.#problems.push({ kind: 'changed', message, index: good, ...places.get(good) });
    }
    const farthest = beyond.at(-1);
    if (farthest !== undefined) {
      const message = `the log ends after ${tree.size} records, but ${farthest.name} covers ${farthest.size}: it was cut off, or rolled back`;
      this.#problems.push({ kind: 'truncated', message, index: tree.size, ...end });
    }
  }

  #findTorn(): void {
    for (const { index, place } of this.#builder.torn) {
      if (this.#options.live === true && index === this.#builder.tree.size) continue;
      const message = `line ${index} was cut short: no line feed ends it`;
      this.#problems.push({ kind: 'torn', message, index, ...place });
    }
  }

  #findUnsealed(sealed: number): void {
    const count = this.#builder.tree.size - sealed;
    const message = `${count === 1 ? 'a line follows' : `${count} lines follow`} the last record that the checkpoint covers; nothing vouches for ${count === 1 ? 'it' : 'them'}`;
    this.#problems.push({ kind: 'unsealed', message, index: sealed, ...this.#builder.places.get(sealed) });
  }
}
