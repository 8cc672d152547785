import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { AuditRecord } from '../schema/record.js';
import { asError } from './failures.js';
import type { Sink, SinkResult } from '../sinks/sink.js';

/**
 * The context that sinks work in: nobody's span, and tracing switched off by the key that OpenTelemetry's own exporters use
 * (`suppressTracing` of @opentelemetry/core), so that delivering a record makes no spans.
 */
const QUIET = ROOT_CONTEXT.setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);

const DELIVERED: SinkResult = { status: 'delivered' };

/** A sink as the rest of the pipeline sees it: every way to fail is a result. */
export class SinkPort {
  constructor(
    readonly name: string,
    private readonly sink: Sink,
  ) {}

  /** Gives a batch to the sink. A sink that answers at once is not made to wait for a promise. */
  emit(records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
    try {
      const answer = context.with(QUIET, () => this.sink.emit(records));
      if (isPromiseLike(answer)) return Promise.resolve(answer).then(orDelivered, permanent);
      return orDelivered(answer);
    } catch (error) {
      return permanent(error);
    }
  }

  async flush(): Promise<void> {
    await context.with(QUIET, () => this.sink.flush?.());
  }

  async close(): Promise<void> {
    await context.with(QUIET, () => this.sink.close?.());
  }

  /** Whether {@link flushSync} can do anything. */
  get canFlushSync(): boolean {
    return this.sink.flushSync !== undefined;
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.sink.flushSync?.(records);
  }
}

/** The name that a sink goes by in errors and metrics. */
export function sinkName(sink: Sink): string {
  const className: unknown = sink.constructor?.name;
  if (typeof sink.name === 'string' && sink.name !== '') return sink.name;
  return typeof className === 'string' && className !== '' && className !== 'Object' ? className : 'sink';
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

function orDelivered(result: SinkResult | void): SinkResult {
  return result ?? DELIVERED;
}

function permanent(error: unknown): SinkResult {
  return { status: 'permanent', error: asError(error) };
}
