import { diag, metrics, type Counter, type Histogram, type MeterProvider } from '@opentelemetry/api';
import type { SinkError } from '../errors.js';
import type { AuditRecord, DraftRecord } from '../schema/record.js';
import { causeOf } from '../sinks/sink.js';

/** What one sink has done since the start. */
export interface SinkStats {
  /** Its name. */
  readonly name: string;
  /** Records that wait, those in flight included. */
  readonly queued: number;
  /** Records that the sink has taken. */
  readonly delivered: number;
  /** Records lost because the sink failed for good, or because the process ended. */
  readonly failed: number;
  /** Records lost because the queue was full. */
  readonly dropped: number;
  /** Records that the sink's filter held back. */
  readonly filtered: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Batches that the sink has answered for. */
  readonly batches: number;
  /** How long the sink took for those answers in all, in ms. */
  readonly busyMs: number;
  /** Bytes that a spool holds on disk for later. */
  readonly backlogBytes?: number;
  /** Gap records that the sink has taken. */
  readonly gaps: number;
  /** Whether the last attempt failed or is overdue. */
  readonly failing: boolean;
  /** Code or class of the last failure. */
  readonly lastFailure?: string;
}

/** The pipeline in numbers. */
export interface PipelineStats {
  /** Records that got a place in the log. */
  readonly accepted: number;
  /** Records refused because they came after `shutdown()`. */
  readonly refused: number;
  /** Intents refused, so that nothing was sent (`blocking-strict`). */
  readonly unavailable: number;
  /** Records whose personal values were withheld, because their key or the person could not be found out. */
  readonly withheld: number;
  /** The numbers of each sink. */
  readonly sinks: readonly SinkStats[];
}

/** What `onError` is given beside the error. */
export interface ErrorInfo {
  /** The sink that failed; absent where the pipeline itself did. */
  readonly sink?: string;
  /** How many records the sink has lost by it; 0 while they are still tried, or are only late. */
  readonly lost: number;
  /** The lost or late records, so that you can put them aside. They are redacted. */
  readonly records: readonly DraftRecord[];
}

/** Hears of failures. What it throws is caught. */
export type DeliveryErrorListener = (error: Error, info: ErrorInfo) => void;

/** Reports a failure to the user's callback if there is one, else to OpenTelemetry's `diag` logger. Never throws. */
export type Report = (error: Error, info: ErrorInfo) => void;

/** Makes a {@link Report} of the user's callback. */
export function guardedReport(onError: DeliveryErrorListener | undefined): Report {
  if (onError === undefined) return (error) => diag.error(`audit log: ${error.message}`);
  return (error, info) => {
    try {
      const returned: unknown = onError(error, info);
      if (returned instanceof Promise) returned.catch(complain);
    } catch {
      complain();
    }
  };
}

function complain(): void {
  diag.error('audit log: the onError callback failed');
}

/** How a record was lost: the sink failed, or the record was dropped before the sink saw it. */
export type Loss = 'failed' | 'dropped';

/** Counts what one sink does, once for `stats()`, for OpenTelemetry metrics and for `onError`. */
export class SinkCounters {
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

  /** Whether the last attempt failed or is overdue. */
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
   * The sink has failed or is overdue; `records` are late, not lost. `onError` hears of it once until the sink works again, and
   * each time that callers hear of it.
   */
  trouble(error: SinkError, records: readonly AuditRecord[], callersTold = false): void {
    const tell = callersTold || !this.#failing;
    this.#failing = true;
    this.#lastFailure = causeOf(error.cause ?? error);
    if (tell) this.report(error, { sink: this.name, lost: 0, records });
  }

  /** Records are lost. `tell` is false for all but the first of a run that is lost for one reason. */
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

/** The scope that the instruments are made under. */
const SCOPE = 'otel-mcp-log';

interface Instruments {
  readonly records: Counter;
  readonly retries: Counter;
  readonly duration: Histogram;
}

let provider: MeterProvider | undefined;
let instruments: Instruments | undefined;

/**
 * The instruments of the MeterProvider that is registered now. They are no constants, because the API's global meter is no
 * proxy: instruments that were made before a provider was registered never record anything.
 */
function current(): Instruments {
  const registered = metrics.getMeterProvider();
  if (instruments === undefined || provider !== registered) {
    provider = registered;
    instruments = create(registered);
  }
  return instruments;
}

function create(from: MeterProvider): Instruments {
  const meter = from.getMeter(SCOPE);
  const gauge = (
    name: string,
    unit: string,
    description: string,
    read: (sink: SinkMetrics) => number | undefined,
  ) =>
    meter.createObservableGauge(name, { unit, description }).addCallback((result) => {
      for (const ref of open) {
        const sink = ref.deref();
        const value = sink && read(sink);
        if (sink !== undefined && value !== undefined) result.observe(value, sink.attributes);
      }
    });
  const waiting = 'Records that wait for a sink, those under way included';
  gauge('mcp_log.sink.queue', '{record}', waiting, (sink) => sink.pending());
  gauge('mcp_log.sink.backlog', 'By', 'What a spool holds on disk', (sink) => sink.backlogBytes());
  return {
    records: meter.createCounter('mcp_log.records', {
      unit: '{record}',
      description: 'Audit records per sink, by outcome: delivered, failed, dropped',
    }),
    retries: meter.createCounter('mcp_log.sink.retries', {
      unit: '{attempt}',
      description: 'Attempts after the first to deliver a batch',
    }),
    duration: meter.createHistogram('mcp_log.sink.duration', {
      unit: 's',
      description: 'How long a sink took to answer for a batch',
    }),
  };
}

/** The sinks whose gauges are read when metrics are collected. Weak references, because a pipeline may be dropped unclosed. */
const open = new Set<WeakRef<SinkMetrics>>();
const forgotten = new FinalizationRegistry<WeakRef<SinkMetrics>>((ref) => open.delete(ref));

/** The metrics of one sink. Sink names come from code, never from data, so the number of time series is bounded. */
export class SinkMetrics {
  readonly attributes: { 'mcp_log.sink': string };
  readonly #ref = new WeakRef(this);
  readonly #outcomes: Record<'delivered' | 'failed' | 'dropped', { 'mcp_log.sink': string; outcome: string }>;

  constructor(
    name: string,
    readonly pending: () => number,
    readonly backlogBytes: () => number | undefined,
  ) {
    this.attributes = { 'mcp_log.sink': name };
    const of = (outcome: string) => ({ ...this.attributes, outcome });
    this.#outcomes = { delivered: of('delivered'), failed: of('failed'), dropped: of('dropped') };
    open.add(this.#ref);
    forgotten.register(this, this.#ref);
  }

  /** Counts records by what became of them. */
  records(outcome: 'delivered' | 'failed' | 'dropped', count: number): void {
    if (count > 0) current().records.add(count, this.#outcomes[outcome]);
  }

  /** Counts an attempt after the first. */
  retry(): void {
    current().retries.add(1, this.attributes);
  }

  /** Records how long the sink took to answer for a batch. */
  latency(ms: number): void {
    current().duration.record(ms / 1000, this.attributes);
  }

  /** Ends the gauges of the sink. */
  close(): void {
    open.delete(this.#ref);
  }
}
