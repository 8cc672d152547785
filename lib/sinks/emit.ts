import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { AuditRecord } from '../schema/record.js';
import type { Sink, SinkResult } from './sink.js';

/**
 * The context that sinks work in. It has no span, and tracing is switched off by the key that OpenTelemetry's own exporters use
 * (`suppressTracing` of @opentelemetry/core), so that delivering a record makes no spans.
 */
const QUIET = ROOT_CONTEXT.setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);

const DELIVERED: SinkResult = { status: 'delivered' };

/** Runs a sink's work without tracing. */
export function quietly<T>(work: () => T): T {
  return context.with(QUIET, work);
}

/**
 * Gives a batch to any sink, users' own included, and turns every way to fail into a result. The result of a sink that answers
 * without a promise is returned without one.
 */
export function emitTo(sink: Sink, records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
  try {
    const answer = quietly(() => sink.emit(records));
    if (isPromiseLike(answer))
      return Promise.resolve(answer).then((given) => toResult(given, records.length), permanent);
    return toResult(answer, records.length);
  } catch (error) {
    return permanent(error);
  }
}

/** The name that a sink goes by in errors and metrics. */
export function sinkName(sink: Sink): string {
  const className: unknown = sink.constructor?.name;
  if (typeof sink.name === 'string' && sink.name !== '') return sink.name;
  return typeof className === 'string' && className !== '' && className !== 'Object' ? className : 'sink';
}

/** Whether a value can serve as a sink. */
export function isSink(value: unknown): value is Sink {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'emit') === 'function';
}

/** A thrown value as an error, because user code may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('a value that is not an Error was thrown');
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

/** Users' sinks may answer anything. What is not an object means delivered; an object must have a known `status`. */
function toResult(answer: SinkResult | void, count: number): SinkResult {
  if (typeof answer !== 'object' || answer === null) return DELIVERED;
  if (answer.status === 'delivered') return answer;
  if (answer.status === 'retryable') {
    const { settled = 0 } = answer;
    // A number that cannot be a count of these records would mark records as delivered that are not.
    const isCount = Number.isInteger(settled) && settled >= 0 && settled <= count;
    return { ...answer, error: asError(answer.error), ...(!isCount && { settled: 0, rejected: [] }) };
  }
  return permanent(
    answer.status === 'permanent'
      ? answer.error
      : new Error('the sink returned a result without a known status'),
  );
}

function permanent(error: unknown): SinkResult {
  return { status: 'permanent', error: asError(error) };
}

/** A sink with every method, whose `emit` never throws and never rejects. */
export class GuardedSink {
  constructor(
    /** Unlike any other sink's name in the pipeline. */
    readonly name: string,
    private readonly sink: Sink,
  ) {}

  /** Bytes that the sink holds on disk for later. */
  get backlogBytes(): number | undefined {
    return this.sink.backlogBytes;
  }

  emit(records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
    return emitTo(this.sink, records);
  }

  async flush(): Promise<void> {
    await quietly(() => this.sink.flush?.());
  }

  async close(): Promise<void> {
    await quietly(() => this.sink.close?.());
  }

  /** Whether the sink has {@link flushSync}. */
  get canFlushSync(): boolean {
    return this.sink.flushSync !== undefined;
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.sink.flushSync?.(records);
  }
}
