import Module from 'node:module';
import {
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { peek, peekCall, peekText } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { coverSpan, ownSpan } from '../processor/processor.js';
import { endingSpanOf, type OperationDetail, type TraceIds } from '../processor/operation.js';
import { newSpanId, newTraceId } from '../schema/ids.js';
import { PACKAGE_NAME } from '../version.js';
import type { OperationUnderWay } from './connection.js';
import { withSpan, guarded } from './tracing.js';
import { parseTraceparent } from './propagation.js';
import { ATTR, shownName, startAttributes } from './telemetry.js';

/** The kind and the parent of a span. */
export interface SpanPlace {
  readonly kind: SpanKind;
  readonly parent: Context;
  readonly links?: Link[] | undefined;
  /** Whether the operation begins in its caller's context, so that an active trace is the caller's. */
  readonly ambient?: boolean | undefined;
}

type Described = Pick<OperationUnderWay, 'method' | 'subject' | 'connection' | 'source'>;

/** Tool spans of other instrumentations that already carry an operation: a second one would overwrite the first one's attributes. */
const joined = shared('joined', () => new WeakSet<object>());

/**
 * The span of one operation: its own, or that of another instrumentation around it. Its ids are always valid and it never throws,
 * also where a tracer, a sampler or a processor fails.
 */
export class OperationSpan {
  /** The context to run in. */
  context: Context;
  trace: TraceIds;
  /** Whether the ids are ours, because no SDK gave any. No propagator writes them then. */
  readonly minted: boolean;
  /** The trace of an agent without OpenTelemetry, where it is not ours. */
  apm: ApmTrace | undefined;
  readonly #span: Span;
  readonly #own: boolean;
  readonly #joinsApm: boolean;
  #apmAtStart: ApmTrace | undefined;
  #begun = false;

  constructor(operation: Described & OperationDetail, { kind, parent, links, ambient }: SpanPlace) {
    const outer = trace.getSpan(parent);
    // What is around the request of a client is the client's, and no other account of serving it.
    const isServed = operation.side === 'server' && kind === SpanKind.SERVER;
    if (outer !== undefined && !isServed) coverSpan(outer, operation.method);
    if (outer !== undefined && !isServed && isToolSpanOfAnother(outer, operation)) {
      joined.add(outer);
      this.#span = outer;
      this.#own = false;
      this.minted = false;
      this.#joinsApm = false;
      this.context = parent;
      const parentSpanId = peekText(peek(outer, 'parentSpanContext'), 'spanId');
      this.trace = { context: outer.spanContext(), parentSpanId, resource: peek(outer, 'resource') };
      guarded("describing another's span", () => this.#add(startAttributes(operation)));
      return;
    }
    let tracer: Tracer | undefined;
    const started = guarded('starting a span', () => {
      tracer = operation.source.tracer();
      return tracer.startSpan(
        spanName(operation),
        spanOptions(kind, kind === SpanKind.INTERNAL ? {} : startAttributes(operation), links),
        parent,
      );
    });
    const span = started ?? trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 });
    const outerIds = trace.getSpanContext(parent);
    this.trace = { ...traceIds(span, outerIds), resource: resourceOf(started, tracer) };
    // Where no SDK made a span, ours carries the ids that go over the wire.
    this.minted = this.trace.context.spanId !== span.spanContext().spanId;
    this.#span = this.minted ? trace.wrapSpanContext(this.trace.context) : span;
    this.#own = true;
    ownSpan(this.#span);
    this.context = withSpan(parent, this.#span);
    this.#joinsApm = this.minted && ambient === true && outerIds === undefined;
    if (ambient === true) this.lookAtApm();
    this.#begun = true;
  }

  /**
   * Reads the trace of an agent without OpenTelemetry: when the operation begins, and when its first request goes out, since the agent
   * may have begun a span of the call by then. Its ids replace ids that are ours, because the user can open its trace. Ids of an SDK
   * or of the caller stay, and the record has both.
   */
  lookAtApm(): void {
    const found = apmTrace();
    if (found === undefined) return;
    const { traceId, spanId, traceFlags } = found;
    if (!this.#joinsApm) {
      this.apm = traceId === this.trace.context.traceId ? undefined : found;
      return;
    }
    const before = this.#apmAtStart;
    if (before?.traceId === traceId && before.spanId === spanId) return;
    const isStart = !this.#begun;
    const ownId = isStart ? undefined : spanId;
    const parentSpanId = isStart ? spanId : before?.traceId === traceId ? before.spanId : undefined;
    if (isStart) this.#apmAtStart = found;
    this.trace = {
      context: { traceId, spanId: ownId ?? this.trace.context.spanId, traceFlags },
      parentSpanId,
      resource: this.trace.resource,
    };
    this.context = withSpan(this.context, trace.wrapSpanContext(this.trace.context));
  }

  /** Ends the span, unless it is another instrumentation's. `describe` is called only where the span is recorded. */
  end(
    operation: OperationDetail,
    describe: () => { attributes: Attributes; failure?: string | undefined; failed: boolean },
  ): void {
    if (guarded('a span', () => this.#span.isRecording()) === true) {
      guarded('describing a span', () => {
        const { attributes, failed, failure } = describe();
        this.#add(attributes);
        if (failed && this.#own)
          this.#span.setStatus({
            code: SpanStatusCode.ERROR,
            ...(failure !== undefined && { message: failure }),
          });
      });
    }
    // Where another processor throws in onEnd, the processors after it do not see the span; `complete` records the operation then.
    if (this.#own) guarded('ending a span', () => endingSpanOf(operation, () => this.#span.end()));
  }

  /** Sets attributes; those that another instrumentation has set on its own span stay. */
  #add(attributes: Attributes): void {
    const theirs = this.#own ? undefined : peek(this.#span, 'attributes');
    for (const key in attributes) {
      const value = attributes[key];
      if (value !== undefined && peek(theirs, key) === undefined) this.#span.setAttribute(key, value);
    }
  }
}

function spanOptions(kind: SpanKind, attributes: Attributes, links: Link[] | undefined): SpanOptions {
  return links === undefined ? { kind, attributes } : { kind, attributes, links };
}

/** `{mcp.method.name} {target}` by the conventions; the target only where it is a tool's or a prompt's name. */
function spanName({ method, subject, source }: Described): string {
  const target = subject.toolName ?? subject.promptName;
  return target === undefined ? method : `${method} ${shownName(target, source.settings.redactor())}`;
}

/**
 * Whether a span describes the tool call that begins inside it. The names may differ by a prefix, which frameworks add. A span with
 * another name is that of a tool that calls this one, and a second call inside one span is a call of its own.
 */
function isToolSpanOfAnother(outer: Span, { method, subject, source }: Described): boolean {
  if (method !== 'tools/call' || !source.settings.joinToolSpans()) return false;
  const scope = peek(peek(outer, 'instrumentationScope'), 'name');
  if (scope === PACKAGE_NAME || joined.has(outer) || !outer.isRecording()) return false;
  const attributes = peek(outer, 'attributes');
  if (peek(attributes, ATTR.operationName) !== 'execute_tool') return false;
  const name = peekText(attributes, ATTR.toolName);
  return name === undefined || (subject.toolName !== undefined && name.endsWith(subject.toolName));
}

/** The resource of the provider that made a span. A span that a sampler dropped has none; its tracer has, in a private field. */
function resourceOf(span: Span | undefined, tracer: Tracer | undefined): unknown {
  return peek(span, 'resource') ?? peek(tracer, '_resource') ?? peek(peek(tracer, '_delegate'), '_resource');
}

/**
 * Valid ids for any tracer. Without an SDK a tracer repeats the parent's ids or gives zeros, and under suppressed tracing it gives
 * zeros.
 */
function traceIds(span: Span, parent: SpanContext | undefined): TraceIds {
  const own = span.spanContext();
  const hasParent = parent !== undefined && isSpanContextValid(parent);
  const isEcho = hasParent && own.spanId === parent.spanId;
  if (isSpanContextValid(own) && !isEcho) {
    const parentSpanId = hasParent && parent.traceId === own.traceId ? parent.spanId : undefined;
    return { context: own, parentSpanId };
  }
  const spanContext = {
    traceId: hasParent ? parent.traceId : newTraceId(),
    spanId: newSpanId(),
    // A trace that is only passed on keeps its flags (W3C Trace Context, section 3.4); under suppressed tracing it is not sampled.
    traceFlags: isEcho ? parent.traceFlags : TraceFlags.NONE,
    ...(hasParent && parent.traceState && { traceState: parent.traceState }),
  };
  return { context: spanContext, parentSpanId: hasParent ? parent.spanId : undefined };
}

/** The position of another vendor's agent in its trace. */
export interface ApmTrace {
  readonly system: 'datadog' | 'newrelic' | 'sentry';
  readonly traceId: string;
  /** The active span; absent where the trace has none yet. */
  readonly spanId?: string | undefined;
  /** The flags of W3C Trace Context. */
  readonly traceFlags: number;
}

/**
 * The active trace of Datadog's, New Relic's or Sentry's agent. Their tracers are not known to OpenTelemetry's API. They are read
 * where they register themselves, and are never loaded by us.
 */
function apmTrace(): ApmTrace | undefined {
  return datadog() ?? newRelic() ?? sentry();
}

/** dd-trace keeps its tracer in a global, `_ddtrace`, for all copies of the package. */
function datadog(): ApmTrace | undefined {
  const span = peekCall(peekCall(peek(globalThis, '_ddtrace'), 'scope'), 'active');
  const context = parseTraceparent(peekCall(peekCall(span, 'context'), 'toTraceparent'));
  return context && { system: 'datadog', ...context };
}

/** New Relic's agent keeps itself in the cache of CommonJS modules, for the same reason. */
function newRelic(): ApmTrace | undefined {
  const agent = peek(peek(Module, '_cache'), '__NR_cache');
  if (agent === undefined) return undefined;
  const metadata = peekCall(agent, 'getTraceMetadata');
  const traceId = peekText(metadata, 'traceId');
  if (traceId === undefined) return undefined;
  const traceFlags = peekCall(peekCall(agent, 'getTransaction'), 'isSampled') === true ? 1 : 0;
  return {
    system: 'newrelic',
    traceId: traceId.padStart(32, '0'),
    spanId: peekText(metadata, 'spanId'),
    traceFlags,
  };
}

/**
 * Sentry keeps its state in the global `__SENTRY__`, by version. Up to version 10 its spans are OpenTelemetry's and known as such. A
 * scope has a trace also without a span: Sentry reports errors under it.
 */
function sentry(): ApmTrace | undefined {
  const carrier = peek(globalThis, '__SENTRY__');
  if (carrier === undefined) return undefined;
  const strategy = peek(peek(carrier, String(peek(carrier, 'version'))), 'acs');
  const scope = peekCall(strategy, 'getCurrentScope');
  if (peekCall(scope, 'getClient') === undefined) return undefined;
  const reference = peek(scope, '_sentrySpan') ?? peek(peek(scope, 'refs'), 'span');
  const span = peekCall(strategy, 'getActiveSpan') ?? peekCall(reference, 'deref') ?? reference;
  const context = peekCall(span, 'spanContext') as Partial<SpanContext> | undefined;
  if (typeof context?.traceId === 'string') {
    const { traceId, spanId, traceFlags = 0 } = context;
    return { system: 'sentry', traceId, spanId, traceFlags };
  }
  const propagated = peekCall(scope, 'getPropagationContext');
  const traceId = peekText(propagated, 'traceId');
  if (traceId === undefined) return undefined;
  return { system: 'sentry', traceId, traceFlags: peek(propagated, 'sampled') === true ? 1 : 0 };
}
