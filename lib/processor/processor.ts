import { resolveOptions, type AuditOptions } from '../config.js';
import { SinkError } from '../errors.js';
import { followProcess, type LifecycleOptions } from '../pipeline/lifecycle.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { createAuditLog } from './auditLog.js';
import { detailOf, type FinishedSpan, type OperationDetail } from './operation.js';
import { foreignOperation, noteStart } from './foreign.js';
import { awaitProvider, discharge, leave, takePart } from './recorders.js';
import type { Recording } from './recording.js';

/**
 * An OpenTelemetry `SpanProcessor` that turns each finished span of an MCP operation into an audit record and delivers it.
 * Register it beside your other processors, in any provider of OpenTelemetry 2.x or 3.x. It never throws and never waits in
 * `onEnd`; operations of instrumented clients reach it even where a sampler drops their spans. It records once a tracer
 * provider has it; a program that has no provider calls {@link AuditSpanProcessor.enable}.
 *
 * @example
 * ```ts
 * const provider = new NodeTracerProvider({
 *   spanProcessors: [
 *     new BatchSpanProcessor(new OTLPTraceExporter()),
 *     new AuditSpanProcessor({ environment: 'production', sink: new FileSink('audit.jsonl') }),
 *   ],
 * });
 * ```
 */
export class AuditSpanProcessor {
  readonly #recording: Recording;
  readonly #foreignSpans: boolean;
  readonly #pipeline: Pipeline;
  readonly #close: () => Promise<void>;
  #shutdown: Promise<void> | undefined;

  /**
   * @throws ConfigError when an option cannot work.
   */
  constructor(options: AuditOptions) {
    const resolved = resolveOptions(options);
    const { recording, pipeline, close } = createAuditLog(resolved, 'clients and servers');
    this.#recording = recording;
    this.#foreignSpans = resolved.foreignSpans;
    this.#pipeline = pipeline;
    this.#close = close;
    awaitProvider(this, recording);
  }

  /**
   * Records from now on, also where no tracer provider has this processor: for programs without OpenTelemetry set up.
   * A processor that a provider has needs no such call.
   *
   * @returns The processor itself.
   *
   * @example
   * ```ts
   * const audit = new AuditSpanProcessor({ environment: 'production', sink: new FileSink('audit.jsonl') }).enable();
   * ```
   */
  enable(): this {
    takePart(this);
    return this;
  }

  /** Notes spans that begin inside an operation whose record covers them. */
  onStart(span: object): void {
    takePart(this);
    if (this.#foreignSpans) noteStart(span);
  }

  /** Takes a finished span. */
  onEnd(span: FinishedSpan): void {
    takePart(this);
    try {
      this.#take(span);
    } catch (cause) {
      // A span that breaks OpenTelemetry's rules must not break the program that ended it, and must not be lost silently.
      this.#recording.report(new SinkError('mapping', 'a finished span could not be read', { cause }), 1);
    }
  }

  /** Resolves when every record is delivered; rejects with `SinkError` where one could not be. */
  forceFlush(): Promise<void> {
    return this.#pipeline.forceFlush();
  }

  /**
   * Delivers what is held when the process ends: on SIGTERM and SIGINT (after which it dies of the signal as it would have),
   * and when the event loop runs empty. Opt-in, because a process's listeners are the application's. On `exit` every log writes
   * what it can without an event loop, followed or not.
   *
   * @returns a function that takes the listeners away again.
   * @throws ConfigError when an option cannot work.
   */
  followProcess(options?: LifecycleOptions): () => void {
    return followProcess(this.#pipeline, options);
  }

  /** What became of the records, in all and per sink: for those without a MeterProvider. */
  stats(): PipelineStats {
    return this.#pipeline.stats();
  }

  /** Flushes and closes the sinks, once. A record after this is refused loudly. */
  shutdown(): Promise<void> {
    leave(this);
    discharge(this.#recording);
    return (this.#shutdown ??= this.#close());
  }

  /** Does not wait: the instrumentation waits for the records of its own operations, and `onError` learns of failures. */
  #take(span: FinishedSpan): void {
    const operation = detailOf(span) ?? this.#foreign(span);
    if (operation?.recorders.includes(this.#recording) === true)
      this.#recording.complete(operation)?.catch(() => undefined);
  }

  #foreign(span: FinishedSpan): OperationDetail | undefined {
    return this.#foreignSpans ? foreignOperation(span, this.#recording) : undefined;
  }
}
