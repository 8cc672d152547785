import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { RefusedError } from '../errors.js';
import type { Actor } from '../identity.js';
import { shared } from '../internal/shared.js';
import type { EventNames, Subject } from '../operations/operation.js';
import type { KnownSecrets } from '../redaction/walk/knownSecrets.js';
import type {
  ActorType,
  McpDetail,
  McpLeg,
  McpOAuth,
  Outcome,
  RecordError,
  Sensitivity,
  Severity,
} from '../schema/record.js';
import type { Answer, TaskFacts } from './outcome.js';
import type { RequestTally } from './requestTally.js';

/** What is known of the two parties and of the connection between them; read when a record is made. */
export interface ConnectionFacts {
  /** Made by us, one per connection: stands in where the protocol gave no session id. */
  readonly connectionId: string;
  /** Only a session id that the protocol gave: a bearer value, shown by `Redactor.sessionId` alone. */
  readonly sessionId?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  readonly clientCapabilities?: unknown;
  readonly serverName?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly serverCapabilities?: unknown;
  readonly protocolVersion?: string | undefined;
  /** By what authorization requests go out. */
  readonly oauth?: McpOAuth | undefined;
  /** `stdio`, `streamable-http`, `sse`, `websocket`, `in-memory`, or the transport's class name. */
  readonly transport?: string | undefined;
  /** The URL (without userinfo, query and fragment) or command that was dialled. */
  readonly serverAddress?: string | undefined;
  /** The requests that went over it; absent for what others have traced, and where not all that goes out is seen. */
  readonly requests?: RequestTally | undefined;
  /** That command with its arguments, which may hold secrets: a record shows them redacted. */
  readonly serverCommand?: readonly string[] | undefined;
}

/** How an operation ended. */
export interface Ending {
  readonly outcome: Outcome;
  readonly error?: RecordError | undefined;
  /** The value it gave, or the answer that the client did not accept, for those who record outputs. */
  readonly result?: unknown;
  /** Why the client did not accept what the server answered. */
  readonly answerRefused?: McpDetail['answer_refused'];
  /** What its caller got. */
  readonly callerSaw?: McpDetail['caller_saw'];
  readonly durationMs: number;
}

/** Ids that tie a record to a trace; always valid, whatever the sampler said. */
export interface TraceIds {
  readonly context: SpanContext;
  readonly parentSpanId?: string | undefined;
}

/**
 * All that is known of one operation. It travels beside the span, not in its attributes: attributes are cut by limits,
 * rewritten by neighbours and exported to trace back ends.
 */
export interface OperationDetail {
  readonly method: string;
  readonly event: EventNames;
  readonly resource: string;
  /** One plain sentence without its full stop: `Called tool echo`. */
  readonly summary: string;
  readonly subject: Subject;
  readonly connection: ConnectionFacts;
  /** Start, in milliseconds since the epoch. */
  readonly startTime: number;
  readonly trace: TraceIds;
  /** Absent while the operation is under way. */
  readonly ending?: Ending | undefined;
  /** Where an agent that knows nothing of OpenTelemetry was in another trace than this one. */
  readonly apm?:
    { readonly system: string; readonly traceId: string; readonly spanId?: string | undefined } | undefined;
  readonly legs: readonly McpLeg[];
  /** Where the server asked, and the client answered. */
  readonly requestedBy?: 'server' | undefined;
  /** What the caller put into `_meta`: its own object, only read when the record is made. */
  readonly callerMeta?: unknown;
  /** What the server said of the called tool when it was last listed. */
  readonly toolAnnotations?: unknown;
  readonly servedFrom?: 'wire' | 'cache' | 'local' | undefined;
  /** What the server answered the last request with, as far as it was seen. */
  readonly answer?: Answer | undefined;
  /** The task that an answer told of. */
  readonly task?: TaskFacts | undefined;
  readonly decision?: string | undefined;
  readonly endedBy?: 'client' | 'server' | 'remote' | undefined;
  /** Secrets that are known by what they were asked for as: by a tool's schema, say. */
  readonly secrets?: KnownSecrets | undefined;
  /** What only records of user code carry. */
  readonly custom?: CustomFacts | undefined;
  /** Who records this operation; nobody else does, so that one operation is one record in each log. */
  readonly recorders: readonly OperationRecorder[];
  /** What each recorder resolved at the start (the actor) and promised at the end (delivery). */
  readonly states: RecorderState[];
}

/**
 * Something that writes operations down. The capture side calls these in order: `begin` and `admit` before anything is
 * sent, `intent` where it is needed, `complete` once at the end. None of them throws, but for {@link OperationRecorder.propagatesTo}.
 */
export interface OperationRecorder {
  /** The log that it writes to: recorders of several clients may share one. */
  readonly log: object;
  /** Called in the caller's own context, so that an actor resolver sees it. */
  begin(detail: OperationDetail): void;
  /** Why the operation must not be made; a promise while that is being decided, undefined where it may. */
  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined;
  /** Takes the tools that an operation listed, whole or a page of them. */
  listed(detail: OperationDetail, tools: readonly unknown[]): void;
  /** Whether requests to the server of this address may carry the trace context. May throw what a user's function throws. */
  propagatesTo(serverAddress: string | undefined): boolean;
  /** Whether the operation must wait for {@link OperationRecorder.intent}. */
  readonly needsIntent: boolean;
  /** Makes the intent durable; rejects with `AuditUnavailableError`, and then nothing may be sent. */
  intent(detail: OperationDetail): Promise<void>;
  /**
   * Records the end. Safe to call twice: a span processor may have done it already. The promise says when the caller may
   * go on, and rejects with `SinkError`; undefined where the caller need not wait.
   */
  complete(detail: OperationDetail): Promise<void> | undefined;
}

/** What one recorder keeps with an operation. */
export interface RecorderState {
  readonly recorder: OperationRecorder;
  readonly actor?: Actor | undefined;
  /** Why the operation must not be made, found at its start. */
  readonly refusal?: RefusedError | undefined;
  /** What is known of the called tool's definition at that time. */
  readonly toolFingerprint?: string | undefined;
  /** Joins the intent and the completion, where there is an intent. */
  operationId?: string;
  delivery?: Promise<void>;
}

/** Free facts of an operation that user code described (decorators). */
export interface CustomFacts {
  readonly data?: unknown;
  readonly actorType?: ActorType | undefined;
  readonly component?: string | undefined;
  readonly policyTags?: readonly string[] | undefined;
  readonly sensitivity?: Sensitivity | undefined;
  readonly severity?: Severity | undefined;
}

/** The operation whose span is being ended right now: span processors hear of a span's end from within `span.end()`. */
const ending = shared('ending', (): { detail: OperationDetail | undefined } => ({ detail: undefined }));

/** Ends the span of an operation so that {@link detailOf} finds the operation meanwhile. */
export function endingSpanOf(detail: OperationDetail, end: () => void): void {
  const outer = ending.detail;
  ending.detail = detail;
  try {
    end();
  } finally {
    ending.detail = outer;
  }
}

/** The operation that a span which ends now is that of; by its id, since a processor may hand on a copy of the span. */
export function detailOf(span: FinishedSpan): OperationDetail | undefined {
  const { detail } = ending;
  return detail?.trace.context.spanId === span.spanContext().spanId ? detail : undefined;
}

/**
 * The members of an SDK's finished span that are read here. Structural, since `ReadableSpan` lives in packages that differ
 * between OpenTelemetry 2.x (`sdk-trace-base`) and 3.x (`sdk-trace`) while its members do not.
 */
export interface FinishedSpan {
  /** The name of the span. */
  readonly name: string;
  /** MCP operations of a client are `CLIENT`. */
  readonly kind: SpanKind;
  /** When it began, in seconds and nanoseconds since the epoch. */
  readonly startTime: HrTime;
  /** How long it took, in seconds and nanoseconds. */
  readonly duration: HrTime;
  /** Whether it failed. */
  readonly status: SpanStatus;
  /** Attributes, as far as no limit has dropped them. */
  readonly attributes: Attributes;
  /** Links to other spans. */
  readonly links: Link[];
  /** Absent for the root of a trace. */
  readonly parentSpanContext?: SpanContext;
  /** Which instrumentation made it. */
  readonly instrumentationScope: { readonly name: string };
  /** Its trace and span id. */
  spanContext(): SpanContext;
}
