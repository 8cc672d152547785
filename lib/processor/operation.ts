import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { Concerned } from '../erasure/protector.js';
import type { AuditError, RefusedError } from '../errors.js';
import type { Actor } from '../identity.js';
import type { Salt } from '../integrity/contentCommitment.js';
import { shared } from '../internal/shared.js';
import type { EventNames, Subject } from '../operations/operation.js';
import type { KnownSecrets } from '../redaction/walk/pass.js';
import type { Commitments } from '../schema/parts.js';
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
import type { CallToApprove } from '../tools/approvals.js';
import type { KeptDefinition } from '../tools/definitions.js';
import type { Caller } from './caller.js';
import type { ActorChain, Served } from './delegation.js';
import type { Answer, TaskFacts } from './outcome.js';
import type { Handling } from './served.js';
import type { RequestTally } from './requestTally.js';

/** What is known of the two parties and of the connection between them; read when a record is made. */
export interface ConnectionFacts {
  /** An id of ours, one per connection, for records without a session id of the protocol. */
  readonly connectionId: string;
  /** The protocol's session id: a bearer value, which only `Redactor.sessionId` may show. */
  readonly sessionId?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  readonly clientCapabilities?: unknown;
  readonly serverName?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly serverCapabilities?: unknown;
  readonly protocolVersion?: string | undefined;
  /** The authorization that requests carry. */
  readonly oauth?: McpOAuth | undefined;
  /** Who acts for whom, by the token that requests carry. */
  readonly tokenChain?: ActorChain | undefined;
  /** `stdio`, `streamable-http`, `sse`, `websocket`, `in-memory`, or the transport's class name. */
  readonly transport?: string | undefined;
  /** The URL (without userinfo, query and fragment) or command that was dialled. */
  readonly serverAddress?: string | undefined;
  /** The network address at the other end of the socket of the last request. */
  readonly peer?: { readonly address: string; readonly port?: number | undefined } | undefined;
  /** The client's requests; absent for spans of other instrumentations, and where not all messages are seen. */
  readonly requests?: RequestTally | undefined;
  /** Whether the client is another program, for which a relay speaks with the server. */
  readonly isRelayed?: boolean | undefined;
  /** The command with its arguments, which may hold secrets; records show it redacted. */
  readonly serverCommand?: readonly string[] | undefined;
}

/** How an operation ended. */
export interface Ending {
  readonly outcome: Outcome;
  readonly error?: RecordError | undefined;
  /** Its result, or the answer that the client did not accept; for records with outputs. */
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
  /** The resource of the tracer provider, where there is one. */
  readonly resource?: unknown;
}

/**
 * All that is known of one operation. It is kept beside the span and not in its attributes, which limits cut, other processors
 * rewrite and exporters send away.
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
  /** The position of an agent without OpenTelemetry, where that is in another trace. */
  readonly apm?:
    | { readonly system: string; readonly traceId: string; readonly spanId?: string | undefined }
    | undefined;
  readonly legs: readonly McpLeg[];
  /** On which side of the connection this process is. Default: that of the client. */
  readonly side?: 'client' | 'server' | undefined;
  /** What became of the handler of a tool, on the side of the server. */
  readonly handling?: Handling | undefined;
  /** Where the server asked, and the client answered. */
  readonly requestedBy?: 'server' | undefined;
  /** Who sent the request, on the side of a server. */
  readonly caller?: Caller | undefined;
  /** The request that a server of this process worked on, and for which this one was made. */
  readonly served?: Served | undefined;
  /** The exchange over HTTP, where the record is of that and of no request of the protocol. */
  readonly http?: { readonly method: string; readonly path: string; readonly status: number } | undefined;
  /** The caller's own `_meta`, which is only read when the record is made. */
  readonly callerMeta?: unknown;
  /** The hints of the called tool from its last listing. */
  readonly toolAnnotations?: unknown;
  readonly servedFrom?: 'wire' | 'cache' | 'local' | undefined;
  /** The server's answer to the last request, where one was seen. */
  readonly answer?: Answer | undefined;
  /** The task of the last answer that had one. */
  readonly task?: TaskFacts | undefined;
  readonly decision?: string | undefined;
  readonly endedBy?: 'client' | 'server' | 'remote' | undefined;
  /** Secrets that are known from outside of the value, such as by a tool's schema. */
  readonly secrets?: KnownSecrets | undefined;
  /** Facts of records of user code. */
  readonly custom?: CustomFacts | undefined;
  /** The recorders of this operation. Only they record it, so that each log has one record of it. */
  readonly recorders: readonly OperationRecorder[];
  /** What each recorder keeps with it: the actor from its start, the delivery from its end. */
  readonly states: RecorderState[];
}

/** What capture knows of a call that may need an approval. */
export type ApprovalMeans = Pick<CallToApprove, 'sealed' | 'signal' | 'elicit'>;

/**
 * Records operations. The capture side calls these in order: `begin` and `admit` before anything is sent, `intent` where it is
 * needed, `approve` where it is wanted, `complete` at the end. Only {@link OperationRecorder.propagatesTo},
 * {@link OperationRecorder.actorsFor} and {@link OperationRecorder.commitmentFor} may throw.
 */
export interface OperationRecorder {
  /** The log that it writes to: recorders of several clients may share one. */
  readonly log: object;
  /** Called in the caller's own context, which an actor resolver may read. */
  begin(detail: OperationDetail): void;
  /** Why the operation must not be made; a promise while that is being decided, undefined where it may. */
  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined;
  /** Takes the tools that an operation listed, whole or a page of them. */
  listed(detail: OperationDetail, tools: readonly unknown[]): void;
  /** Whether requests to the server of this address may carry the trace context. Throws what the user's function throws. */
  propagatesTo(serverAddress: string | undefined): boolean;
  /** Who acts and for whom, where the server of the operation may learn it. Throws what the user's function throws. */
  actorsFor(detail: OperationDetail): readonly object[] | undefined;
  /** Whether it records notifications, too. */
  readonly keepsNotifications: boolean;
  /** What a request of the operation says of its record, where its server may learn it. Throws what the user's function throws. */
  commitmentFor(detail: OperationDetail): object | undefined;
  /** Whether callers wait for {@link OperationRecorder.complete}. */
  readonly keepsWaiting: boolean;
  /** Whether the operation must wait for {@link OperationRecorder.intent}. */
  readonly needsIntent: boolean;
  /** Makes the intent durable; rejects with `AuditUnavailableError`, and then nothing may be sent. */
  intent(detail: OperationDetail): Promise<void>;
  /** Whether calls of tools may have to wait for an approval. */
  readonly asksBeforeCalls: boolean;
  /** Whether this call of a tool must have an approval first. */
  wantsApproval(detail: OperationDetail, means: ApprovalMeans): boolean;
  /** Gets it, opens the seal of the call, and records the decision; resolves to why the call must not be made. Never rejects. */
  approve(detail: OperationDetail, means: ApprovalMeans): Promise<AuditError | undefined>;
  /**
   * Records the end. Safe to call twice, because a span processor may have called it already. The caller waits for the promise, which
   * rejects with `SinkError`; undefined where there is nothing to wait for.
   */
  complete(detail: OperationDetail): Promise<void> | undefined;
}

/** What a log commits to when an operation begins: the caller may change its arguments afterwards. */
export interface CommittedStart {
  /** The id of the record to come, which its salt follows from. */
  readonly recordId: string | undefined;
  /** Absent where the log has no key: it then has only what it says of the caller's commitments. */
  readonly salt: Salt | undefined;
  readonly commitments: Commitments;
  /** The salt of the client's record, where the request has it. */
  readonly callerSalt?: Salt | undefined;
}

/** What one recorder keeps with an operation. */
export interface RecorderState {
  readonly recorder: OperationRecorder;
  readonly actor?: Actor | undefined;
  /** Whom it concerns, where a function of the user's said so at its start. */
  readonly concerned?: Concerned['subject'] | undefined;
  /** Why the operation must not be made, found at its start. */
  readonly refusal?: RefusedError | undefined;
  /** The fingerprint of the called tool's definition at that time. */
  readonly toolFingerprint?: string | undefined;
  /** What the log committed to when the operation began, where it has commitments. */
  committed?: CommittedStart | undefined;
  /** Names the decision about the call, where it needed an approval. */
  approvalId?: string;
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
  /** A tool's definition, redacted already: its text joins `data` after the rest was redacted. */
  readonly definition?: KeptDefinition | undefined;
}

/** The operation whose span is being ended: span processors are called from within `span.end()`. */
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

/** The operation of a span that ends now. Compared by id, since a processor may pass on a copy of the span. */
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
  /** What its provider runs in. */
  readonly resource?: unknown;
  /** Which instrumentation made it. */
  readonly instrumentationScope: { readonly name: string };
  /** Its trace and span id. */
  spanContext(): SpanContext;
}
