import { isDeepStrictEqual } from 'node:util';
import { AuditUnavailableError, SinkError, ConfigError } from '../errors.js';
import { shared } from '../internal/shared.js';
import type { DraftRecord, AuditRecord } from '../schema/record.js';
import type { Sink } from '../sinks/sink.js';
import { joined, Completion } from './completion.js';
import { HoldingQueue, isHeld, type HeldDraft } from './held.js';
import { endWithProcess, type Ending, type EndingLog } from './lifecycle.js';
import { resolvePipeline, type PipelineOptions, type ResolvedPipeline, termsOf } from './options.js';
import { Sequence } from './queue.js';
import { SinkWorker } from './sinkWorker.js';
import type { PipelineStats } from './stats.js';

/** The promise of a record that nobody waits for: one for all of them. */
export const DELIVERED = Promise.resolve();

/** Numbers records and delivers them to the sinks: everything between the processor and the sinks. */
export interface Pipeline {
  /**
   * Numbers a record (`seq`) in the order of the calls, then delivers it to every sink. The draft becomes the record. All this
   * is at once, unless the record or one before it is held.
   * Resolves when the mode lets the caller go on; rejects with `SinkError` when a required sink failed.
   * Never throws synchronously. Where nobody has to wait, the promise is {@link DELIVERED}.
   */
  accept(draft: DraftRecord | HeldDraft): Promise<void>;
  /** Accepts a record whose caller does not wait: failures go to `onError` and are counted. */
  acceptInBackground(draft: DraftRecord): void;
  /** In `blocking-strict`, makes an intent durable or rejects with `AuditUnavailableError`. In other modes, resolves at once. */
  acceptIntent(draft: DraftRecord): Promise<void>;
  /** Whether an operation must wait for {@link acceptIntent} before anything is sent. */
  readonly needsIntent: boolean;
  /** Whether there is a sink that callers wait for. */
  readonly keepsWaiting: boolean;
  /** Resolves when all records are delivered, and rejects if any is not. */
  forceFlush(): Promise<void>;
  /** Flushes and closes every sink, once. A record that comes later is refused, and `onError` hears of it. The log's last record says why. */
  shutdown(ending?: Ending): Promise<void>;
  /** Counts a record whose personal values were withheld. */
  countWithheld(): void;
  /** Counts an operation that must not be made, and says why. */
  unavailableBecause(cause: unknown): AuditUnavailableError;
  /** The pipeline in numbers, for programs without a MeterProvider. */
  stats(): PipelineStats;
  /** Writes what it can without an event loop, and gives up the rest: the process ends. */
  flushSync(): void;
  /** Writes what it can without an event loop, and keeps the rest: the process may go on. */
  saveSync(): void;
  /** Intents of an earlier process that no completion follows, as the sinks found them at start-up. */
  readonly unfinishedIntents: readonly AuditRecord[];
  /** Where its records go. */
  readonly sinks: readonly Sink[];
}

/**
 * Makes a pipeline.
 *
 * @throws ConfigError when an option cannot work.
 * @example
 * ```ts
 * const pipeline = createPipeline({ sinks: [new FileSink('audit.jsonl')], mode: 'blocking-strict' });
 * await pipeline.acceptIntent(intent);
 * await pipeline.accept(completion);
 * await pipeline.shutdown();
 * ```
 */
export function createPipeline(options: PipelineOptions): Pipeline {
  return new SinkPipeline(resolvePipeline(options));
}

class SinkPipeline implements Pipeline, EndingLog {
  readonly needsIntent: boolean;
  readonly keepsWaiting: boolean;
  readonly unfinishedIntents: readonly AuditRecord[];
  readonly sinks: readonly Sink[];
  readonly #workers: readonly SinkWorker[];
  readonly #awaited: readonly SinkWorker[];
  readonly #strict: readonly SinkWorker[];
  readonly #filtered: boolean;
  readonly #anyWillDo: boolean;
  readonly #report: ResolvedPipeline['report'];
  readonly #sequence: Sequence;
  readonly #holding: HoldingQueue;
  #first: ResolvedPipeline['firstRecord'];
  readonly #last: ((ending: Ending) => DraftRecord) | undefined;
  #accepted = 0;
  /** How many records there were when the last record was written; more may follow where the process did not end after all. */
  #stoppedAt = 0;
  #endsAlone: () => void = () => undefined;
  #refused = 0;
  #unavailable = 0;
  #withheld = 0;
  #shutdown: Promise<void> | undefined;

  constructor({ workers, anyWillDo, report, count, sinks, firstRecord, lastRecord }: ResolvedPipeline) {
    this.#first = firstRecord;
    this.#last = lastRecord;
    this.#workers = workers.map((options) => new SinkWorker(options));
    this.#awaited = this.#workers.filter(({ options }) => options.awaited);
    this.#filtered = this.#workers.some(({ options }) => options.filter !== undefined);
    this.#strict = this.#workers.filter(({ options }) => options.mode === 'blocking-strict');
    this.#anyWillDo = anyWillDo;
    this.#report = report;
    this.#sequence = new Sequence(count);
    // The other half of the time, and of the room, is for the sinks.
    const half = (of: (options: (typeof workers)[number]) => number) => Math.min(...workers.map(of)) / 2;
    this.#holding = new HoldingQueue(
      half(({ maxQueueSize }) => maxQueueSize),
      half(({ exportTimeoutMillis }) => exportTimeoutMillis),
    );
    this.needsIntent = this.#strict.length > 0;
    this.keepsWaiting = this.#awaited.length > 0;
    this.sinks = sinks;
    const intents = sinks.flatMap((sink) => sink.unfinishedIntents ?? []);
    this.unfinishedIntents = [...new Map(intents.map((intent) => [intent.record_id, intent])).values()];
  }

  accept(draft: DraftRecord | HeldDraft): Promise<void> {
    if (this.#shutdown !== undefined)
      return Promise.reject(this.#refuse(isHeld(draft) ? draft.now() : draft));
    const delivery =
      isHeld(draft) || !this.#holding.isEmpty
        ? this.#deliverInTurn(draft)
        : this.#deliver(draft, this.#awaited, false);
    // In strict mode the caller gets the operation's result in any case; the next operation is refused.
    return this.needsIntent ? delivery.catch(() => undefined) : delivery;
  }

  acceptInBackground(draft: DraftRecord): void {
    if (this.#shutdown !== undefined) this.#refuse(draft);
    else if (this.#holding.isEmpty) void this.#deliver(draft, [], false);
    else this.#holding.hold(draft, (record) => void this.#deliver(record, [], false));
  }

  acceptIntent(draft: DraftRecord): Promise<void> {
    if (!this.needsIntent) return DELIVERED;
    if (this.#shutdown !== undefined) return Promise.reject(this.unavailableBecause(this.#refuse(draft)));
    const behind = this.#strict.filter((worker) => worker.isBehind);
    if (behind.length > 0 && (!this.#anyWillDo || behind.length === this.#strict.length)) {
      const names = behind.map((worker) => worker.name).join(',');
      const cause = new SinkError(names, `sink '${names}' has not yet taken what happened before`);
      return Promise.reject(this.unavailableBecause(cause));
    }
    return this.#deliver(draft, this.#strict, true).catch((cause: unknown) => {
      throw this.unavailableBecause(cause);
    });
  }

  async forceFlush(): Promise<void> {
    if (!this.#holding.isEmpty) await this.#holding.passed();
    await (this.#shutdown ?? allOf(this.#workers.map((worker) => worker.flush())));
  }

  shutdown(ending: Ending = { ended_by: 'shutdown' }): Promise<void> {
    return (this.#shutdown ??= this.#close(ending));
  }

  get needsEventLoop(): boolean {
    return this.#workers.some((worker) => worker.isSealed !== undefined || !worker.canFlushSync);
  }

  stopSoon(ending: Ending): Promise<void> {
    const last = this.#stop(ending);
    if (last === undefined) return DELIVERED;
    void this.#queue(last, [], false);
    return this.forceFlush();
  }

  stopNow(ending: Ending): void {
    this.#holding.release();
    const able = this.#workers.filter((worker) => worker.canFlushSync);
    // The record would be the only one of a sealed log that nothing vouches for.
    if (able.some((worker) => worker.isSealed === true && worker.pending === 0)) return;
    const last = able.length > 0 ? this.#stop(ending) : undefined;
    if (last === undefined) return;
    const record = this.#sequence.stamp(last);
    for (const worker of able) if (worker.wants(record)) worker.push(record, undefined, false);
  }

  /** The last record, where the log has begun and has not ended. */
  #stop(ending: Ending): DraftRecord | undefined {
    if (this.#accepted === this.#stoppedAt) return undefined;
    this.#stoppedAt = this.#accepted;
    return this.#last?.(ending);
  }

  flushSync(): void {
    this.#holding.release();
    for (const worker of this.#workers) worker.flushSync();
  }

  saveSync(): void {
    this.#holding.release();
    for (const worker of this.#workers) if (worker.canFlushSync) worker.flushSync();
  }

  countWithheld(): void {
    this.#withheld++;
  }

  stats(): PipelineStats {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      unavailable: this.#unavailable,
      withheld: this.#withheld,
      sinks: this.#workers.map((worker) => worker.stats),
    };
  }

  async #close(ending: Ending): Promise<void> {
    if (!this.#holding.isEmpty) await this.#holding.passed();
    const last = this.#stop(ending);
    if (last !== undefined) void this.#queue(last, [], false);
    this.#endsAlone();
    await allOf(this.#workers.map((worker) => worker.close()));
  }

  /** {@link #deliver}, once the record is ready and those before it are delivered. */
  #deliverInTurn(draft: DraftRecord | HeldDraft): Promise<void> {
    if (!this.keepsWaiting) {
      this.#holding.hold(draft, (record) => void this.#deliver(record, [], false));
      return DELIVERED;
    }
    return new Promise((resolve, reject) => {
      this.#holding.hold(draft, (record, since) => {
        this.#deliver(record, this.#awaited, false, since).then(resolve, reject);
      });
    });
  }

  #deliver(
    draft: DraftRecord,
    waitFor: readonly SinkWorker[],
    intent: boolean,
    since?: number,
  ): Promise<void> {
    if (this.#first !== undefined) {
      const first = this.#first(draft);
      this.#first = undefined;
      void this.#queue(first, [], false);
    }
    if (this.#accepted++ === 0 && this.#last !== undefined) this.#endsAlone = endWithProcess(this);
    return this.#queue(draft, waitFor, intent, since);
  }

  /** Numbers a record and queues it for every sink whose filter it passes. Resolves when the awaited sinks have it. */
  #queue(draft: DraftRecord, waitFor: readonly SinkWorker[], intent: boolean, since?: number): Promise<void> {
    const record = this.#sequence.stamp(draft);
    const workers = this.#filtered ? this.#workers.filter((worker) => worker.wants(record)) : this.#workers;
    const awaited = this.#filtered ? waitFor.filter((worker) => workers.includes(worker)) : waitFor;
    const completion = awaited.length > 0 ? new Completion(awaited.length, this.#anyWillDo) : undefined;
    for (const worker of workers) {
      if (completion !== undefined && awaited.includes(worker))
        worker.push(record, completion, intent, since);
      else worker.push(record, undefined, false);
    }
    return completion?.promise ?? DELIVERED;
  }

  #refuse(draft: DraftRecord): SinkError {
    this.#refused++;
    const names = this.#workers.map((worker) => worker.name).join(',');
    const error = new SinkError(names, 'the audit log is shut down and takes no more records', {
      code: 'MCP_LOG_ERR_SHUTDOWN',
    });
    this.#report(error, { lost: 1, records: [draft] });
    return error;
  }

  unavailableBecause(cause: unknown): AuditUnavailableError {
    this.#unavailable++;
    const reason = cause instanceof Error ? cause.message : 'the audit log failed';
    return new AuditUnavailableError(`nothing was sent: ${reason}`, { cause });
  }
}

/** Settles when all work has settled; joins the failures to one. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failures: SinkError[] = [];
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected' && result.reason instanceof SinkError) failures.push(result.reason);
  }
  if (failures.length > 0) throw joined(failures);
}

/** A pipeline in use, and the options that all logs that share it have agreed on. */
interface Shared {
  readonly pipeline: Pipeline;
  readonly sinks: readonly Sink[];
  readonly terms: ReadonlyMap<string, unknown>;
}

/** By sink: a sink has one order, and a second pipeline would number its records anew. */
const inUse = shared('pipelines', () => new WeakMap<Sink, Shared>());

/**
 * The pipeline of these sinks: the one that another client's log made, if it has the same sinks and options of delivery, else a
 * new one. A difference that would be ignored is refused.
 *
 * @throws ConfigError naming the first option that differs.
 */
export function pipelineFor(options: PipelineOptions): { pipeline: Pipeline; isNew: boolean } {
  const sinks = options.sinks.map((entry) => ('emit' in entry ? entry : entry.sink));
  const known = sinks.map((sink) => inUse.get(sink)).find((each) => each !== undefined);
  if (known !== undefined) {
    requireSame(known, sinks, termsOf(options));
    return { pipeline: known.pipeline, isNew: false };
  }
  const pipeline = createPipeline(options);
  const entry = { pipeline, sinks, terms: termsOf(options) };
  for (const sink of sinks) inUse.set(sink, entry);
  return { pipeline, isNew: true };
}

/** Lets other pipelines use the sinks of a pipeline that is being shut down. */
export function releasePipeline(pipeline: Pipeline): void {
  for (const sink of pipeline.sinks) if (inUse.get(sink)?.pipeline === pipeline) inUse.delete(sink);
}

function requireSame(known: Shared, sinks: readonly Sink[], terms: ReadonlyMap<string, unknown>): void {
  const sameSinks =
    known.sinks.length === sinks.length && known.sinks.every((sink, index) => sink === sinks[index]);
  if (!sameSinks) refuse('sinks', 'other sinks');
  for (const [option, value] of terms)
    // Functions are equal only if they are identical.
    if (!isDeepStrictEqual(value, known.terms.get(option))) refuse(option, `another ${option}`);
}

function refuse(option: string, difference: string): never {
  throw new ConfigError(
    option,
    `the sink is in use by another audit log with ${difference}; give both logs the same options of delivery, or each its own sink`,
  );
}
