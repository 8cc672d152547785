import type { SpanContext } from '@opentelemetry/api';
import type { ActorType, McpLeg, Outcome, RecordError, Sensitivity, Severity } from '../schema/record.js';
import type { RefusedError } from '../errors.js';
import type { Actor } from '../identity.js';
import type { EventNames, Subject } from '../operations/operation.js';
import { shared } from '../shared.js';
import type { OperationRecorder } from './recorder.js';

/** What is known of the two parties and of the connection between them; read when a record is made. */
export interface ConnectionFacts {
  /** Made by us, one per connection: stands in where the protocol gave no session id. */
  readonly connectionId: string;
  /** Only a session id that the protocol gave. */
  readonly sessionId?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  readonly clientCapabilities?: unknown;
  readonly serverName?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly serverCapabilities?: unknown;
  readonly protocolVersion?: string | undefined;
  /** `stdio`, `streamable-http`, `sse`, `websocket`, `in-memory`, or the transport's class name. */
  readonly transport?: string | undefined;
  /** The URL (without userinfo, query and fragment) or command that was dialled. */
  readonly serverAddress?: string | undefined;
  /** That command with its arguments, which may hold secrets: a record shows them redacted. */
  readonly serverCommand?: readonly string[] | undefined;
}

/** How an operation ended. */
export interface Ending {
  readonly outcome: Outcome;
  readonly error?: RecordError | undefined;
  /** The value it gave, for those who record outputs. */
  readonly result?: unknown;
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
  readonly legs: readonly McpLeg[];
  readonly servedFrom?: 'wire' | 'cache' | 'local' | undefined;
  readonly decision?: string | undefined;
  readonly endedBy?: 'client' | 'server' | 'remote' | undefined;
  /** What only records of user code carry. */
  readonly custom?: CustomFacts | undefined;
  /** Who records this operation; nobody else does, so that one operation is one record in each log. */
  readonly recorders: readonly OperationRecorder[];
  /** What each recorder resolved at the start (the actor) and promised at the end (delivery). */
  readonly ledger: Map<OperationRecorder, LedgerEntry>;
}

/** What one recorder keeps with an operation. */
export interface LedgerEntry {
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

const details = shared('details', () => new WeakMap<object, OperationDetail>());

/** Lets a span processor find the detail of a span that ends. */
export function attachDetail(span: object, detail: OperationDetail): void {
  details.set(span, detail);
}

/** The detail of a span of ours, if it is one. */
export function detailOf(span: object): OperationDetail | undefined {
  return details.get(span);
}
