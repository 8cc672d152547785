import { type SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import { causeOf } from '../sinks/gap.js';
import type { SinkMetrics } from './metrics.js';
import type { Report } from './report.js';
import type { SinkStats } from './stats.js';

/** Why a record was lost: with the sink's failure, or before the sink saw it. */
export type Loss = 'failed' | 'dropped';

/** What one sink has done: counted once for `stats()`, the metrics and the failure callback. */
export class Ledger {
  #delivered = 0;
  #filtered = 0;
  #retries = 0;
  #batches = 0;
  #busyMs = 0;
  #gaps = 0;
  #failing = false;
  #lastFailure: string | undefined;
  readonly #lost = { failed: 0, dropped: 0 };

  constructor(
    readonly name: string,
    private readonly report: Report,
    private readonly metrics: SinkMetrics,
  ) {}

  /** Whether the last attempt failed, or is overdue. */
  get failing(): boolean {
    return this.#failing;
  }

  answered(ms: number): void {
    this.#batches++;
    this.#busyMs += ms;
    this.metrics.latency(ms);
  }

  delivered(records: number, gaps: number): void {
    this.#failing = false;
    this.#delivered += records;
    this.#gaps += gaps;
    this.metrics.records('delivered', records);
  }

  filtered(): void {
    this.#filtered++;
  }

  retrying(): void {
    this.#retries++;
    this.metrics.retry();
  }

  /**
   * The sink has failed or is overdue; `records` are only late. Told to the listener once, until the sink works again, and
   * whenever callers have been told too.
   */
  trouble(error: SinkError, records: readonly AuditRecord[], callersTold = false): void {
    const tell = callersTold || !this.#failing;
    this.#failing = true;
    this.#lastFailure = causeOf(error.cause ?? error);
    if (tell) this.report(error, { sink: this.name, lost: 0, records });
  }

  /** Records are gone for good. `tell` is off for all but the first of a run that is lost for one reason. */
  lost(kind: Loss, error: SinkError, records: readonly AuditRecord[], tell = true): void {
    this.#lost[kind] += records.length;
    this.#lastFailure = causeOf(error.cause ?? error);
    if (kind === 'failed') this.#failing = true;
    this.metrics.records(kind, records.length);
    if (tell) this.report(error, { sink: this.name, lost: records.length, records });
  }

  close(): void {
    this.metrics.close();
  }

  snapshot(queued: number, backlogBytes: number | undefined): SinkStats {
    return {
      name: this.name,
      queued,
      delivered: this.#delivered,
      ...this.#lost,
      filtered: this.#filtered,
      retries: this.#retries,
      batches: this.#batches,
      busyMs: this.#busyMs,
      gaps: this.#gaps,
      failing: this.#failing,
      ...(backlogBytes !== undefined && { backlogBytes }),
      ...(this.#lastFailure !== undefined && { lastFailure: this.#lastFailure }),
    };
  }
}
