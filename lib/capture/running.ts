import {
  context,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from '@opentelemetry/api';
import {
  attachDetail,
  type Ending,
  type LedgerEntry,
  type OperationDetail,
  type TraceIds,
} from '../processor/detail.js';
import { coverSpan } from '../processor/foreign.js';
import { judgeError, judgeResult, type Judgement } from '../processor/outcome.js';
import type { OperationRecorder } from '../processor/recorder.js';
import { newSpanId, newTraceId } from '../schema/ids.js';
import type { McpLeg } from '../schema/record.js';
import type { Connection } from './connection.js';
import type { Operation, Subject } from '../operations/operation.js';
import { endAttributes, startAttributes } from './attributes.js';
import type { SpanSource } from './source.js';

/** What an operation is started with. */
export interface Start {
  readonly client: object;
  readonly operation: Operation;
  readonly params: unknown;
  readonly connection: Connection;
  readonly recorders: readonly OperationRecorder[];
  readonly source: SpanSource;
  /** The caller's own abort signal, which tells a cancellation from a timeout. */
  readonly signal?: AbortSignal | undefined;
}

/** One operation under way: its span, and the detail that becomes its record. */
export class RunningOperation implements OperationDetail {
  readonly client: object;
  readonly method: string;
  readonly event: OperationDetail['event'];
  readonly resource: string;
  readonly summary: string;
  readonly subject: Subject;
  readonly connection: Connection;
  readonly startTime = Date.now();
  readonly trace: TraceIds;
  readonly recorders: readonly OperationRecorder[];
  readonly ledger = new Map<OperationRecorder, LedgerEntry>();
  readonly legs: McpLeg[] = [];
  ending: Ending | undefined;
  /** True until the client's own method has returned its promise. */
  entering = true;
  /** The context to run in: the caller's, with this operation's span. */
  readonly context: Context;
  readonly source: SpanSource;
  readonly #span: Span;
  readonly #startedAt = performance.now();
  readonly #signal: AbortSignal | undefined;

  constructor(start: Start) {
    const { operation } = start;
    this.client = start.client;
    this.method = operation.method;
    this.event = operation.event;
    this.subject = operation.subject(start.params);
    this.resource = operation.resource(this.subject);
    this.summary = operation.summary(this.subject);
    this.connection = start.connection;
    this.recorders = start.recorders;
    this.source = start.source;
    this.#signal = start.signal;
    const parent = context.active();
    const span = start.source
      .tracer()
      .startSpan(
        spanName(this.method, this.subject),
        { kind: SpanKind.CLIENT, attributes: startAttributes(this) },
        parent,
      );
    const parentContext = trace.getSpanContext(parent);
    this.trace = traceIds(span, parentContext);
    // A span that an SDK made carries the ids itself; where none did, ours must be what goes over the wire.
    this.#span = this.trace.context === span.spanContext() ? span : trace.wrapSpanContext(this.trace.context);
    this.context = trace.setSpan(parent, this.#span);
    attachDetail(this.#span, this);
    const outer = trace.getSpan(parent);
    if (outer !== undefined) coverSpan(outer, this.method);
    for (const recorder of this.recorders) recorder.begin(this);
  }

  /** Whether the operation is over; what happens in its asynchronous context from then on is not part of it. */
  get ended(): boolean {
    return this.ending !== undefined;
  }

  /** Whether a request of this method, made inside this operation, is a part of it. */
  covers(method: string): boolean {
    return method === this.method || this.method === 'initialize';
  }

  /** Notes a request that was sent on this operation's behalf. */
  sent(leg: McpLeg): void {
    this.legs.push(leg);
  }

  /** Ends with the value that the operation resolved to. */
  succeed(result: unknown): void {
    this.#end(judgeResult(result), result);
  }

  /** Ends with what the operation rejected with. */
  fail(reason: unknown): void {
    this.#end(judgeError(reason, { aborted: this.#signal?.aborted === true }), undefined);
  }

  /** Ends with a judgement made elsewhere. */
  conclude(judgement: Judgement): void {
    this.#end(judgement, undefined);
  }

  /** Hands the ended operation to its recorders; undefined where nobody has to be waited for. */
  complete(): Promise<unknown> | undefined {
    const [first, ...others] = this.recorders;
    if (first === undefined) return undefined;
    if (others.length === 0) return first.complete(this);
    return Promise.all(this.recorders.map((recorder) => recorder.complete(this)));
  }

  #end(judgement: Judgement, result: unknown): void {
    if (this.ending !== undefined) return;
    const durationMs = Math.max(0, Math.round((performance.now() - this.#startedAt) * 1000) / 1000);
    this.ending = { ...judgement, result, durationMs };
    if (this.#span.isRecording()) this.#describe(judgement, result);
    this.#span.end();
  }

  #describe({ error }: Judgement, result: unknown): void {
    this.#span.setAttributes(endAttributes(this, error, result));
    if (error === undefined) return;
    const redactor = this.source?.settings.redactor();
    const message =
      error.message === undefined || redactor === undefined ? undefined : redactor.text(error.message);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  }
}

/** `{mcp.method.name} {target}` by the conventions; the target only where it is a tool's or a prompt's name. */
function spanName(method: string, subject: Subject): string {
  const target = subject.toolName ?? subject.promptName;
  return target === undefined ? method : `${method} ${target}`;
}

/**
 * Ids that are valid whatever the tracer gave: without an SDK it echoes the parent's ids or gives zeros, and under
 * suppressed tracing it gives zeros.
 */
function traceIds(span: Span, parent: ReturnType<typeof trace.getSpanContext>): TraceIds {
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
    traceFlags: hasParent ? parent.traceFlags : TraceFlags.NONE,
    ...(hasParent && parent.traceState && { traceState: parent.traceState }),
  };
  return { context: spanContext, parentSpanId: hasParent ? parent.spanId : undefined };
}
