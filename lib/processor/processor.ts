import { SpanKind, SpanStatusCode, trace, type Attributes, type HrTime } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import { operationFor } from '../operations/table.js';
import type { RecordError } from '../schema/record.js';
import { PACKAGE_NAME } from '../version.js';
import {
  detailOf,
  type Ending,
  type FinishedSpan,
  type OperationDetail,
  type OperationRecorder,
} from './operation.js';
import { resolveOptions, type AuditOptions } from '../config.js';
import { SinkError } from '../errors.js';
import { followProcess, type LifecycleOptions } from '../pipeline/lifecycle.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { createAuditLog } from './auditLog.js';
import { awaitProvider, discharge, leave, takePart } from './recorders.js';
import type { Recording } from './recording.js';

const covered = shared('covered', () => new WeakMap<object, string>());

/** Notes that an operation of ours ran inside this span: if the span describes the same call, one record is enough. */
export function coverSpan(span: object, method: string): void {
  covered.set(span, method);
}

/** Spans of our own that do not say so themselves: of samplers that record nothing, and where there is no SDK. */
const own = shared('ownSpans', () => new WeakSet<object>());
const nested = shared('nestedSpans', () => new WeakSet<object>());

/** Notes that a span is that of an operation of ours. */
export function ownSpan(span: object): void {
  if (scopeOf(span) === undefined) own.add(span);
}

/** The instrumentation that made a span, as spans of an SDK say that are recorded. */
function scopeOf(span: object): string | undefined {
  return (span as Partial<FinishedSpan>).instrumentationScope?.name;
}

/** Notes at the start of a span that it is inside an operation of ours, whose record covers it. */
function noteStart(span: object): void {
  const active = trace.getActiveSpan();
  if (active !== undefined && (scopeOf(active) === PACKAGE_NAME || own.has(active))) nested.add(span);
}

/** The operation that another MCP instrumentation described with a client span, if this is one. */
export function foreignOperation(
  finished: FinishedSpan,
  recorder: OperationRecorder,
): OperationDetail | undefined {
  // Spans of our own are recorded when they end, also where another processor passes them on later.
  if (finished.instrumentationScope.name === PACKAGE_NAME) return undefined;
  if (!isTraceloop(finished)) return operationOf(finished, recorder, covered.get(finished));
  if (nested.has(finished)) return undefined;
  return operationOf(inConventions(finished), recorder, covered.get(finished));
}

function operationOf(
  span: FinishedSpan,
  recorder: OperationRecorder,
  coveredBy: string | undefined,
): OperationDetail | undefined {
  const method = text(span, 'mcp.method.name');
  if (method === undefined || span.kind !== SpanKind.CLIENT || coveredBy === method) return undefined;
  const operation = operationFor(method);
  const subject = {
    toolName: text(span, 'gen_ai.tool.name'),
    promptName: text(span, 'gen_ai.prompt.name'),
    uri: text(span, 'mcp.resource.uri'),
    arguments: parsed(text(span, 'gen_ai.tool.call.arguments')),
  };
  const sessionId = text(span, 'mcp.session.id');
  const requestId = text(span, 'jsonrpc.request.id');
  return {
    method,
    event: operation.event,
    resource: operation.resource(subject),
    summary: operation.summary(subject),
    subject,
    connection: {
      connectionId: sessionId ?? span.spanContext().traceId,
      sessionId,
      protocolVersion: text(span, 'mcp.protocol.version'),
      serverAddress: text(span, 'server.address'),
    },
    startTime: milliseconds(span.startTime),
    trace: {
      context: span.spanContext(),
      parentSpanId: span.parentSpanContext?.spanId,
      resource: span.resource,
    },
    ending: endingOf(span),
    legs: requestId === undefined ? [] : [{ request_id: requestId, method }],
    recorders: [recorder],
    states: [],
  };
}

function endingOf(span: FinishedSpan): Ending {
  const durationMs = Math.round(milliseconds(span.duration) * 1000) / 1000;
  const type = text(span, 'error.type');
  if (type === undefined && span.status.code !== SpanStatusCode.ERROR)
    return { outcome: 'OUTCOME_SUCCESS', durationMs };
  const code = text(span, 'rpc.response.status_code');
  const error: RecordError = {
    type: type ?? '_OTHER',
    ...(code !== undefined && { code }),
    ...(span.status.message !== undefined && { message: span.status.message }),
  };
  if (type === '401') return { outcome: 'OUTCOME_FAILURE_UNAUTHORIZED', error, durationMs };
  if (type === '403') return { outcome: 'OUTCOME_FAILURE_DENIED', error, durationMs };
  return { outcome: 'OUTCOME_FAILURE_ERROR', error, durationMs };
}

function milliseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

function text(span: FinishedSpan, key: string): string | undefined {
  const value = span.attributes[key];
  return value === undefined || value === '' ? undefined : String(value);
}

function parsed(json: string | undefined): unknown {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

const SCOPE = '@traceloop/instrumentation-mcp';
const REQUEST = '.mcp';
const SESSION = 'mcp.client.session';

/** Whether a span is of traceloop's MCP instrumentation, whose names are not those of the conventions. */
function isTraceloop({ instrumentationScope }: FinishedSpan): boolean {
  return instrumentationScope.name === SCOPE;
}

/** The same span with attributes by the conventions' names as well. */
function inConventions(span: FinishedSpan): FinishedSpan {
  const { name, kind, startTime, duration, status, links, parentSpanContext, instrumentationScope } = span;
  return {
    ...{ name, kind, startTime, duration, status, links, instrumentationScope },
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    attributes: { ...span.attributes, ...conventional(span) },
    // A span is an instance of a class, and a spread would not copy its methods.
    spanContext: () => span.spanContext(),
  };
}

/**
 * `echo.tool` is a tool call, `resources/read.mcp` any other request, and `mcp.client.session` lasts until the session is
 * closed. A session that ends in an error may never have been opened; the span of its `initialize` says that.
 */
function conventional({ name, attributes, status }: FinishedSpan): Attributes {
  const input = parsedObject(attributes['traceloop.entity.input']);
  if (attributes['traceloop.span.kind'] === 'tool') {
    const given = input['arguments'];
    return {
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': attributes['traceloop.entity.name'],
      ...(given !== undefined && { 'gen_ai.tool.call.arguments': JSON.stringify(given) }),
    };
  }
  if (name === SESSION) return status.code === SpanStatusCode.ERROR ? {} : { 'mcp.method.name': 'close' };
  if (!name.endsWith(REQUEST)) return {};
  const { uri, name: named } = input;
  return {
    'mcp.method.name': name.slice(0, -REQUEST.length),
    ...(typeof uri === 'string' && { 'mcp.resource.uri': uri }),
    ...(typeof named === 'string' && { 'gen_ai.prompt.name': named }),
  };
}

/** An object in JSON; empty for anything else. */
function parsedObject(json: unknown): Record<string, unknown> {
  const value = typeof json === 'string' ? parsed(json) : undefined;
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

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
