import { metrics, type Counter, type Histogram, type MeterProvider } from '@opentelemetry/api';

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

/** The sinks whose gauges are read when metrics are collected. Weak: a pipeline that nobody closed must not live on here. */
const open = new Set<WeakRef<SinkMetrics>>();
const forgotten = new FinalizationRegistry<WeakRef<SinkMetrics>>((ref) => open.delete(ref));

/** What one sink reports. Sink names come from code, never from data, so their number is bounded. */
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

  /** The sink is closed. */
  close(): void {
    open.delete(this.#ref);
  }
}
