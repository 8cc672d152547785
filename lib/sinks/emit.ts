import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { AuditRecord } from '../schema/record.js';
import type { Sink, SinkResult } from './sink.js';

/**
 * The context that sinks work in: nobody's span, and tracing switched off by the key that OpenTelemetry's own exporters use
 * (`suppressTracing` of @opentelemetry/core), so that delivering a record makes no spans.
 */
const QUIET = ROOT_CONTEXT.setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);

const DELIVERED: SinkResult = { status: 'delivered' };

/** Runs a sink's work without tracing. */
export function quietly<T>(work: () => T): T {
  return context.with(QUIET, work);
}

/**
 * Gives a batch to any sink, users' own included: every way to fail becomes a result. A sink that answers at once is not
 * made to wait for a promise.
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

/** What was thrown, as an error: user code may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('what was thrown is no error');
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

/** Users' sinks may answer anything: no object means delivered, and an object must say how it went. */
function toResult(answer: SinkResult | void, count: number): SinkResult {
  if (typeof answer !== 'object' || answer === null) return DELIVERED;
  if (answer.status === 'delivered') return answer;
  if (answer.status === 'retryable') {
    const { settled = 0 } = answer;
    // Anything but a count of the records that were given would call records delivered that are not.
    const isCount = Number.isInteger(settled) && settled >= 0 && settled <= count;
    return { ...answer, error: asError(answer.error), ...(!isCount && { settled: 0, rejected: [] }) };
  }
  return permanent(answer.status === 'permanent' ? answer.error : new Error('the sink gave no known result'));
}

function permanent(error: unknown): SinkResult {
  return { status: 'permanent', error: asError(error) };
}

/** A sink as the rest of the pipeline sees it: every method is there, and every way to fail is a result. */
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

  /** Whether {@link flushSync} can do anything. */
  get canFlushSync(): boolean {
    return this.sink.flushSync !== undefined;
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.sink.flushSync?.(records);
  }
}
