import {
  metrics,
  type Counter,
  type Histogram,
  type MeterProvider,
  type ObservableResult,
} from '@opentelemetry/api';

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
 * The instruments of whichever MeterProvider is registered now. The API's global meter is no proxy: one that was asked for
 * before a provider was registered stays deaf, hence the comparison instead of a constant.
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
  meter
    .createObservableGauge('mcp_log.sink.queue', {
      unit: '{record}',
      description: 'Records that wait for a sink, those under way included',
    })
    .addCallback(observeQueues);
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

/** The queues that are read when metrics are collected; a closed one is taken off. */
const queues = new Map<SinkMetrics, () => number>();

function observeQueues(result: ObservableResult): void {
  for (const [{ attributes }, pending] of queues) result.observe(pending(), attributes);
}

/** What one sink reports. Sink names come from code, never from data, so their number is bounded. */
export class SinkMetrics {
  readonly attributes: { 'mcp_log.sink': string };
  readonly #outcomes: Record<'delivered' | 'failed' | 'dropped', { 'mcp_log.sink': string; outcome: string }>;

  constructor(name: string) {
    this.attributes = { 'mcp_log.sink': name };
    const of = (outcome: string) => ({ ...this.attributes, outcome });
    this.#outcomes = { delivered: of('delivered'), failed: of('failed'), dropped: of('dropped') };
  }

  /** Records that the sink is done with. */
  records(outcome: 'delivered' | 'failed' | 'dropped', count: number): void {
    if (count > 0) current().records.add(count, this.#outcomes[outcome]);
  }

  /** One more attempt. */
  retry(): void {
    current().retries.add(1, this.attributes);
  }

  /** The sink has answered for a batch. */
  latency(ms: number): void {
    current().duration.record(ms / 1000, this.attributes);
  }

  /** From now on, `pending` is asked whenever metrics are collected. */
  watchQueue(pending: () => number): void {
    queues.set(this, pending);
  }

  /** The queue is gone. */
  close(): void {
    queues.delete(this);
  }
}
