import { SpanKind, type Context, type Link } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { isSameSubject, servedSummary, type Operation, type Subject } from '../operations/operation.js';
import type {
  Ending,
  RecorderState,
  OperationDetail,
  OperationRecorder,
  TraceIds,
} from '../processor/operation.js';
import {
  judgeError,
  judgeResult,
  seemsAnswered,
  type Answer,
  type Judgement,
  type TaskFacts,
} from '../processor/outcome.js';
import type { Handling } from '../processor/served.js';
import type { KnownSecrets } from '../redaction/walk/pass.js';
import type { SealedCall } from '../tools/approval.js';
import type { McpLeg } from '../schema/record.js';
import { identityOf, ignore } from './client.js';
import type { Connection, OperationUnderWay } from './connection.js';
import { callerContext, guarded, type SpanSource } from './tracing.js';
import { annotationsOf, markedArguments, markedResult, passOnTools } from './tools.js';
import { awaitAnswer, forgetAnswers } from './pending.js';
import { parentOf } from './propagation.js';
import { OperationSpan, type ApmTrace } from './span.js';
import { endAttributes, failureOf, measure } from './telemetry.js';

/** The wrapper through which an operation came in: a class of a chain, and the name of its method. */
export interface Entrance {
  readonly level: object;
  readonly name: string;
}

/** What an operation is started with. */
export interface Start extends Pick<OperationDetail, 'caller' | 'served'> {
  readonly client: object;
  readonly operation: Operation;
  readonly params: unknown;
  readonly connection: Connection;
  /** Who records it. Asked after its span has begun, because a provider shows its processors only then. */
  readonly recorders: () => readonly OperationRecorder[];
  readonly source: SpanSource;
  /** The caller's abort signal, which tells a cancellation from a timeout; of any class. */
  readonly signal?: unknown;
  readonly entrance?: Entrance | undefined;
  /** Default: CLIENT. SERVER for what the other side asks of this one. */
  readonly kind?: SpanKind | undefined;
  /** Default: the context of the caller. */
  readonly parent?: Context | undefined;
  readonly links?: Link[] | undefined;
  /** Called once it has ended. */
  readonly onEnd?: ((running: RunningOperation) => void) | undefined;
}

/** One operation under way: its span, and the detail that becomes its record. */
export class RunningOperation implements OperationUnderWay {
  readonly client: object;
  readonly method: string;
  readonly event: OperationDetail['event'];
  readonly resource: string;
  readonly summary: string;
  readonly subject: Subject;
  readonly connection: Connection;
  readonly startTime = Date.now();
  readonly recorders: readonly OperationRecorder[];
  readonly states: RecorderState[] = [];
  readonly legs: McpLeg[] = [];
  readonly kind: SpanKind;
  readonly source: SpanSource;
  readonly entrance: Entrance | undefined;
  ending: Ending | undefined;
  decision: string | undefined;
  endedBy: OperationDetail['endedBy'];
  /** Whether the client took the answer from its own cache. */
  fromCache = false;
  /** Other methods whose requests are a part of this operation: a task's stream asks for the state and the result of the task. */
  parts: ReadonlySet<string> | undefined;
  /** A stream whose caller is not reading just now: nothing but its caller can end it. */
  isIdle = false;
  /** The answer to the last request; undefined until one is seen. */
  answer: Answer | undefined;
  /** What became of the handler of a tool, on the side of the server. */
  handling: Handling | undefined;
  /** Who sent the request, on the side of a server. */
  readonly caller: OperationDetail['caller'];
  readonly served: OperationDetail['served'];
  /** What the caller put into `_meta`. */
  readonly callerMeta: unknown;
  /** The hints of the called tool, as they were known when the call began. */
  readonly toolAnnotations: unknown;
  /** Secrets that schemas mark in the arguments and the result. */
  secrets: KnownSecrets | undefined;
  /** The task of the last answer that had one. */
  task: TaskFacts | undefined;
  readonly #span: OperationSpan;
  readonly #passages: { message: object; prepared: object; stand: object }[] = [];
  readonly #startedAt = performance.now();
  readonly #onEnd: Start['onEnd'];
  readonly signal: unknown;
  /** What may go over the wire, for a call that needs an approval. */
  sealed: SealedCall | undefined;

  constructor(start: Start) {
    const { operation } = start;
    this.client = start.client;
    this.method = operation.method;
    this.event = operation.event;
    this.subject = operation.subject(start.params);
    this.resource = operation.resource(this.subject);
    this.connection = start.connection;
    this.source = start.source;
    this.entrance = start.entrance;
    this.kind = start.kind ?? SpanKind.CLIENT;
    this.signal = start.signal;
    this.#onEnd = start.onEnd;
    this.caller = start.caller;
    this.served = start.served;
    const summary = operation.summary(this.subject);
    this.summary =
      this.side === 'server' && this.kind === SpanKind.SERVER ? servedSummary(this.method, summary) : summary;
    if (this.kind === SpanKind.CLIENT || this.side === 'server') {
      this.callerMeta = peek(start.params, '_meta');
      this.toolAnnotations = annotationsOf(start.connection, this.subject.toolName);
      this.learn(markedArguments(this));
    }
    const parent = start.parent ?? parentOf(start.params, callerContext());
    this.#span = new OperationSpan(this, {
      kind: this.kind,
      parent,
      links: start.links,
      ambient: start.parent === undefined || (this.side === 'server' && this.method !== 'close'),
    });
    this.recorders = start.recorders();
    this.connection.underWay.add(this);
    for (const recorder of this.recorders) recorder.begin(this);
  }

  get trace(): TraceIds {
    return this.#span.trace;
  }

  /** The trace of an agent without OpenTelemetry, where it is not the trace of the record. */
  get apm(): ApmTrace | undefined {
    return this.#span.apm;
  }

  /** Called before a request goes out: by the first one, an agent may have begun a span of its own. */
  aboutToSend(): void {
    if (this.legs.length === 0 && this.kind === SpanKind.CLIENT) this.#span.lookAtApm();
  }

  /** The context to run in: the caller's, with this operation's span. */
  get context(): Context {
    return this.#span.context;
  }

  /** Whether its ids are ours, because no OpenTelemetry SDK gave any. */
  get minted(): boolean {
    return this.#span.minted;
  }

  /** Whether the operation is over. What happens in its asynchronous context afterwards is no part of it. */
  get ended(): boolean {
    return this.ending !== undefined;
  }

  /** On which side of the connection this process is. */
  get side(): 'client' | 'server' {
    return this.connection.side;
  }

  /** Who asked, where it was the server. */
  get requestedBy(): OperationDetail['requestedBy'] {
    return (this.kind === SpanKind.SERVER) === (this.side === 'client') ? 'server' : undefined;
  }

  /** Where the answer came from; undefined where that is not known. */
  get servedFrom(): OperationDetail['servedFrom'] {
    const isAsked = this.method !== 'close' && !this.method.startsWith('notifications/');
    if (this.ending === undefined || this.kind !== SpanKind.CLIENT || !isAsked) return undefined;
    if (this.fromCache) return 'cache';
    const last = this.legs.at(-1);
    if (last !== undefined) {
      // An HTTP error is an answer; a response of status 200 may end without one.
      const isAnswered = this.answer !== undefined || (last.http_status ?? 0) >= 400;
      return isAnswered || seemsAnswered(this.method, this.ending) ? 'wire' : undefined;
    }
    // v2 may make its handshake with a second process, which is not seen here. Nothing else is sent unseen.
    const isLocal = this.method === 'initialize' ? this.connection.resumed : this.connection.watched;
    return isLocal ? 'local' : undefined;
  }

  /** Whether this is an operation of that client, also where a stand-in was called. */
  isOf(client: object): boolean {
    return this.client === client || identityOf(this.client) === identityOf(client);
  }

  /** Whether a request of that client and method, made inside this operation, can be a part of it. */
  covers(client: object, method: string): boolean {
    if (this.ended || this.kind !== SpanKind.CLIENT || !this.isOf(client)) return false;
    if (this.method === 'initialize' && method === 'server/discover') return true;
    return method === this.method || this.parts?.has(method) === true;
  }

  /**
   * Whether a request of the same method asks for the same: the same tool with the same arguments, for example. A class derived
   * from the SDK's may make other calls on the way, and those are operations of their own.
   */
  asksFor(subject: Subject): boolean {
    // An operation without a subject lists everything, and each request of its method is one page.
    // A server's method makes one request, whose parameters it may complete.
    const isAny = this.side === 'server' || Object.keys(this.subject).length === 0;
    return isAny || isSameSubject(this.subject, subject);
  }

  /** Whether this operation came in through that wrapper. */
  cameInBy({ level, name }: Entrance): boolean {
    return this.entrance?.level === level && this.entrance.name === name;
  }

  /** Notes a request that was sent on this operation's behalf. */
  sent(leg: McpLeg): void {
    this.legs.push(leg);
    this.answer = undefined;
    if (this.kind === SpanKind.CLIENT) awaitAnswer(this, leg.request_id);
  }

  /**
   * Notes that a request passes the stand-in for its transport's `send`, as it was given and as it goes on.
   *
   * @returns Whether it is the first time: a transport that has logged in sends what was refused again.
   */
  passed(message: object, prepared: object, stand: object): boolean {
    const isNew = this.standOf(message) === undefined;
    this.#passages.push({ message, prepared, stand });
    return isNew;
  }

  /** The stand-in that a request of this operation first passed. */
  standOf(message: object): object | undefined {
    for (const { message: given, prepared, stand } of this.#passages)
      if (given === message || prepared === message) return stand;
    return undefined;
  }

  /** Notes the HTTP exchange of the last request. A second exchange for the same request is a leg of its own. */
  exchanged({ status, scopes }: { status: number; scopes?: readonly string[] | undefined }): void {
    let leg = this.legs.at(-1);
    if (this.ended || leg === undefined) return;
    if (leg.http_status !== undefined) {
      leg = { request_id: leg.request_id, method: leg.method };
      this.legs.push(leg);
    }
    leg.http_status = status;
    if (scopes !== undefined) leg.required_scopes = scopes;
  }

  /** Notes the server's answer to the last request. */
  answered(answer: Answer): void {
    this.answer = answer;
    if (answer.task !== undefined) this.task = answer.task;
  }

  /** Adds secrets that the arguments, the result or an answer to the server hold. */
  learn(secrets: KnownSecrets | undefined): void {
    if (secrets === undefined) return;
    const { places = [], texts = [] } = this.secrets ?? {};
    this.secrets = {
      places: [...places, ...(secrets.places ?? [])],
      texts: [...texts, ...(secrets.texts ?? [])],
    };
  }

  /** Ends with the value that the operation resolved to. */
  succeed(result: unknown): void {
    this.#end(judgeResult(result, this.answer), result, 'value');
  }

  /** Ends with what the operation rejected with. */
  fail(reason: unknown): void {
    const { method, answer } = this;
    const aborted = peek(this.signal, 'aborted') === true;
    const abortReason = peek(this.signal, 'reason');
    this.#end(judgeError(reason, { aborted, abortReason, method, answer }), answer?.result, 'error');
  }

  /** Ends with a judgement made elsewhere. */
  conclude(judgement: Judgement, result?: unknown, callerSaw?: Ending['callerSaw']): void {
    this.#end(judgement, result, callerSaw);
  }

  /** Ends with a judgement made elsewhere, and hands the operation to its recorders without waiting for them. */
  finish(judgement: Judgement, result?: unknown, callerSaw?: Ending['callerSaw']): void {
    this.conclude(judgement, result, callerSaw);
    this.completeInBackground();
  }

  /** Hands the ended operation to its recorders without waiting for them; they report failures to `onError`. */
  completeInBackground(): void {
    this.complete()?.catch(ignore);
  }

  /** Hands the ended operation to its recorders; undefined where there is nothing to wait for. */
  complete(): Promise<unknown> | undefined {
    const [first, ...others] = this.recorders;
    if (first === undefined) return undefined;
    if (others.length === 0) return first.complete(this);
    const deliveries = this.recorders.map((recorder) => recorder.complete(this));
    return deliveries.some((delivery) => delivery !== undefined) ? Promise.all(deliveries) : undefined;
  }

  /** The text of an error without secrets, also without those of the session and of the call. */
  #shown(message: string): string {
    const known = { ...this.secrets, sessionId: this.connection.sessionId };
    return this.source.settings.redactor().text(message, known);
  }

  #end({ outcome, error, answerRefused }: Judgement, result: unknown, callerSaw: Ending['callerSaw']): void {
    if (this.ending !== undefined) return;
    const durationMs = Math.max(0, Math.round((performance.now() - this.#startedAt) * 1000) / 1000);
    this.ending = { outcome, error, result, answerRefused, callerSaw, durationMs };
    this.connection.underWay.delete(this);
    this.learn(markedResult(this, result));
    if (this.kind === SpanKind.CLIENT) forgetAnswers(this);
    this.#span.end(this, () => {
      const failed = failureOf(this);
      const message = failed?.message;
      return {
        attributes: endAttributes(this, failed, result),
        failed: failed !== undefined,
        failure: message === undefined ? undefined : this.#shown(message),
      };
    });
    // A bug in an exporter or a hook must not reach the caller.
    guarded('the end of an operation', () => {
      measure(this);
      passOnTools(this);
    });
    this.#onEnd?.(this);
  }
}
