import { AuditUnavailableError, SinkError } from '../errors.js';
import type { AuditRecord, DraftRecord } from '../schema/record.js';
import type { Sink } from '../sinks/sink.js';
import { joined, Receipt } from './completion.js';
import { Lane } from './sinkWorker.js';
import { resolvePipeline, type PipelineOptions, type ResolvedPipeline } from './options.js';
import { Sequence } from './queue.js';
import type { RecordAcceptor } from './receipt.js';
import type { PipelineStats } from './stats.js';

/** Order, durability and delivery of records: what stands between the capture side and the sinks. */
export interface Pipeline extends RecordAcceptor {
  /** The pipeline in numbers, for those without a MeterProvider. */
  stats(): PipelineStats;
  /** Writes what can be written without an event loop, and gives up what cannot: the process ends. */
  flushSync(): void;
  /** Writes what can be written without an event loop, and keeps what cannot: the process may go on. */
  saveSync(): void;
  /** Intents of an earlier process that no completion follows, as its sinks found them at start-up. */
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

const DONE = Promise.resolve();

class SinkPipeline implements Pipeline {
  readonly needsIntent: boolean;
  readonly unfinishedIntents: readonly AuditRecord[];
  readonly sinks: readonly Sink[];
  readonly #lanes: readonly Lane[];
  readonly #awaited: readonly Lane[];
  readonly #strict: readonly Lane[];
  readonly #filtered: boolean;
  readonly #anyWillDo: boolean;
  readonly #report: ResolvedPipeline['report'];
  readonly #sequence: Sequence;
  #first: (() => DraftRecord) | undefined;
  readonly #last: (() => DraftRecord) | undefined;
  #accepted = 0;
  #refused = 0;
  #unavailable = 0;
  #shutdown: Promise<void> | undefined;

  constructor({ lanes, anyWillDo, report, firstSeq, sinks, firstRecord, lastRecord }: ResolvedPipeline) {
    this.#first = firstRecord;
    this.#last = lastRecord;
    this.#lanes = lanes.map((options) => new Lane(options));
    this.#awaited = this.#lanes.filter(({ options }) => options.awaited);
    this.#filtered = this.#lanes.some(({ options }) => options.filter !== undefined);
    this.#strict = this.#lanes.filter(({ options }) => options.mode === 'blocking-strict');
    this.#anyWillDo = anyWillDo;
    this.#report = report;
    this.#sequence = new Sequence(firstSeq);
    this.needsIntent = this.#strict.length > 0;
    this.sinks = sinks;
    const intents = sinks.flatMap((sink) => sink.unfinishedIntents ?? []);
    this.unfinishedIntents = [...new Map(intents.map((intent) => [intent.record_id, intent])).values()];
  }

  accept(draft: DraftRecord): Promise<void> {
    if (this.#shutdown !== undefined) return Promise.reject(this.#refuse(draft));
    const delivery = this.#deliver(draft, this.#awaited, false);
    // In strict mode the operation's result is the caller's whatever happens; it is the next operation that is refused.
    return this.needsIntent ? delivery.catch(() => undefined) : delivery;
  }

  acceptInBackground(draft: DraftRecord): void {
    if (this.#shutdown !== undefined) this.#refuse(draft);
    else void this.#deliver(draft, [], false);
  }

  acceptIntent(draft: DraftRecord): Promise<void> {
    if (!this.needsIntent) return DONE;
    if (this.#shutdown !== undefined) return Promise.reject(this.#unavailableBecause(this.#refuse(draft)));
    const behind = this.#strict.filter((lane) => lane.isBehind);
    if (behind.length > 0 && (!this.#anyWillDo || behind.length === this.#strict.length)) {
      const names = behind.map((lane) => lane.name).join(',');
      const cause = new SinkError(names, `sink '${names}' has not yet taken what happened before`);
      return Promise.reject(this.#unavailableBecause(cause));
    }
    return this.#deliver(draft, this.#strict, true).catch((cause: unknown) => {
      throw this.#unavailableBecause(cause);
    });
  }

  async forceFlush(): Promise<void> {
    await (this.#shutdown ?? allOf(this.#lanes.map((lane) => lane.flush())));
  }

  shutdown(): Promise<void> {
    return (this.#shutdown ??= this.#close());
  }

  flushSync(): void {
    for (const lane of this.#lanes) lane.flushSync();
  }

  saveSync(): void {
    for (const lane of this.#lanes) if (lane.canFlushSync) lane.flushSync();
  }

  stats(): PipelineStats {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      unavailable: this.#unavailable,
      sinks: this.#lanes.map((lane) => lane.stats),
    };
  }

  #close(): Promise<void> {
    if (this.#accepted > 0 && this.#last !== undefined) void this.#queue(this.#last(), [], false);
    return allOf(this.#lanes.map((lane) => lane.close()));
  }

  #deliver(draft: DraftRecord, waitFor: readonly Lane[], intent: boolean): Promise<void> {
    if (this.#first !== undefined) {
      const first = this.#first();
      this.#first = undefined;
      void this.#queue(first, [], false);
    }
    this.#accepted++;
    return this.#queue(draft, waitFor, intent);
  }

  /** Numbers a record and queues it at every sink that wants it; the promise is for those that are waited for. */
  #queue(draft: DraftRecord, waitFor: readonly Lane[], intent: boolean): Promise<void> {
    const record = this.#sequence.number(draft);
    const lanes = this.#filtered ? this.#lanes.filter((lane) => lane.wants(record)) : this.#lanes;
    const awaited = this.#filtered ? waitFor.filter((lane) => lanes.includes(lane)) : waitFor;
    const receipt = awaited.length > 0 ? new Receipt(awaited.length, this.#anyWillDo) : undefined;
    for (const lane of lanes) {
      if (receipt !== undefined && awaited.includes(lane)) lane.push(record, receipt, intent);
      else lane.push(record, undefined, false);
    }
    return receipt?.promise ?? DONE;
  }

  #refuse(draft: DraftRecord): SinkError {
    this.#refused++;
    const names = this.#lanes.map((lane) => lane.name).join(',');
    const error = new SinkError(names, 'the audit log is shut down: a record was refused', {
      code: 'MCP_LOG_ERR_SHUTDOWN',
    });
    this.#report(error, { lost: 1, records: [draft] });
    return error;
  }

  #unavailableBecause(cause: unknown): AuditUnavailableError {
    this.#unavailable++;
    const reason = cause instanceof Error ? cause.message : 'the audit log failed';
    return new AuditUnavailableError(`nothing was sent: ${reason}`, { cause });
  }
}

/** Settles when all have; the failures are joined to one. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failures: SinkError[] = [];
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected' && result.reason instanceof SinkError) failures.push(result.reason);
  }
  if (failures.length > 0) throw joined(failures);
}
