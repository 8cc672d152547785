import { diag, SpanKind, type Context, type Link } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { isSameSubject, type Operation, type Subject } from '../operations/operation.js';
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
  type Answer,
  type Judgement,
  type TaskFacts,
} from '../processor/outcome.js';
import type { KnownSecrets } from '../redaction/walk/knownSecrets.js';
import type { McpLeg } from '../schema/record.js';
import { identityOf, ignore } from './client.js';
import type { Connection, OperationUnderWay } from './connection.js';
import { annotationsOf, markedArguments, markedResult, noteTools } from './listedTools.js';
import { awaitAnswer, forgetAnswers } from './pending.js';
import { callerContext, parentOf } from './propagation.js';
import type { SpanSource } from './source.js';
import { OperationSpan, type ApmTrace } from './span.js';
import { endAttributes, failureOf, measure } from './telemetry.js';

/** Which wrapper an operation came in by: a class of a chain, and the name of its method. */
export interface Entrance {
  readonly level: object;
  readonly name: string;
}

/** What an operation is started with. */
export interface Start {
  readonly client: object;
  readonly operation: Operation;
  readonly params: unknown;
  readonly connection: Connection;
  /** Who records it; asked once its span has begun, since that is when a provider first shows which processors it has. */
  readonly recorders: () => readonly OperationRecorder[];
  readonly source: SpanSource;
  /** The caller's own abort signal, which tells a cancellation from a timeout; of whatever class. */
  readonly signal?: unknown;
  readonly entrance?: Entrance | undefined;
  /** Default: CLIENT. SERVER for what the server asks of the client. */
  readonly kind?: SpanKind | undefined;
  /** Default: the context of the caller. */
  readonly parent?: Context | undefined;
  readonly links?: Link[] | undefined;
}

/** Failures to which nobody on the other side gave an answer. */
const UNANSWERED: ReadonlySet<string> = new Set(['timeout', 'cancelled', 'connection_closed', 'abandoned']);

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
  /** Other methods whose requests are a part of this operation: those by which a stream of a task looks after the task. */
  parts: ReadonlySet<string> | undefined;
  /** A stream whose caller is not reading just now: nothing but its caller can end it. */
  isIdle = false;
  /** What the server answered the last request with; undefined while it has not, and where nobody has seen it. */
  answer: Answer | undefined;
  /** What the caller put into `_meta`. */
  readonly callerMeta: unknown;
  /** What the server said of the called tool, as it was known when the call began. */
  readonly toolAnnotations: unknown;
  /** What the schemas that the operation goes by mark as secret. */
  secrets: KnownSecrets | undefined;
  /** The task that an answer told of last. */
  task: TaskFacts | undefined;
  readonly #span: OperationSpan;
  readonly #passages: { message: object; prepared: object; stand: object }[] = [];
  readonly #startedAt = performance.now();
  readonly #signal: unknown;

  constructor(start: Start) {
    const { operation } = start;
    this.client = start.client;
    this.method = operation.method;
    this.event = operation.event;
    this.subject = operation.subject(start.params);
    this.resource = operation.resource(this.subject);
    this.summary = operation.summary(this.subject);
    this.connection = start.connection;
    this.source = start.source;
    this.entrance = start.entrance;
    this.kind = start.kind ?? SpanKind.CLIENT;
    this.#signal = start.signal;
    if (this.kind === SpanKind.CLIENT) {
      this.callerMeta = peek(start.params, '_meta');
      this.toolAnnotations = annotationsOf(start.connection, this.subject.toolName);
      this.learn(markedArguments(this));
    }
    const parent = start.parent ?? parentOf(start.params, callerContext());
    this.#span = new OperationSpan(this, {
      kind: this.kind,
      parent,
      links: start.links,
      ambient: start.parent === undefined,
    });
    this.recorders = start.recorders();
    this.connection.underWay.add(this);
    for (const recorder of this.recorders) recorder.begin(this);
  }

  get trace(): TraceIds {
    return this.#span.trace;
  }

  /** The trace of an agent that knows nothing of OpenTelemetry, where it is another than that of the record. */
  get apm(): ApmTrace | undefined {
    return this.#span.apm;
  }

  /** The first request is about to go out: an agent may have a span of its own for it by now. */
  aboutToSend(): void {
    if (this.legs.length === 0 && this.kind === SpanKind.CLIENT) this.#span.lookAtApm();
  }

  /** The context to run in: the caller's, with this operation's span. */
  get context(): Context {
    return this.#span.context;
  }

  /** Whether no SDK has given this operation its ids. */
  get minted(): boolean {
    return this.#span.minted;
  }

  /** Whether the operation is over; what happens in its asynchronous context from then on is not part of it. */
  get ended(): boolean {
    return this.ending !== undefined;
  }

  /** Who asked, where that was not the client. */
  get requestedBy(): OperationDetail['requestedBy'] {
    return this.kind === SpanKind.SERVER ? 'server' : undefined;
  }

  /** Where the answer came from, as far as it can be told. */
  get servedFrom(): OperationDetail['servedFrom'] {
    if (this.ending === undefined || this.kind !== SpanKind.CLIENT || this.method === 'close')
      return undefined;
    if (this.fromCache) return 'cache';
    const last = this.legs.at(-1);
    if (last !== undefined) {
      // A refusal is an answer; a response that has begun (200) may never have brought one.
      const isAnswered = this.answer !== undefined || (last.http_status ?? 0) >= 400;
      return isAnswered || this.#seemsAnswered() ? 'wire' : undefined;
    }
    // A handshake may take place where we do not look (a second process that v2 probes); nothing else may.
    const isLocal = this.method === 'initialize' ? this.connection.resumed : this.connection.watched;
    return isLocal ? 'local' : undefined;
  }

  /** Whether this is an operation of that client, through whichever stand-in the two were called. */
  isOf(client: object): boolean {
    return this.client === client || identityOf(this.client) === identityOf(client);
  }

  /** Whether a request of this client and method, made inside this operation, is a part of it. */
  covers(client: object, method: string): boolean {
    if (this.ended || this.kind !== SpanKind.CLIENT || !this.isOf(client)) return false;
    if (this.method === 'initialize' && method === 'server/discover') return true;
    return method === this.method || this.parts?.has(method) === true;
  }

  /**
   * Whether a request of this operation's method asks for what the operation asks for: the same tool with the same arguments,
   * say. A class derived from the SDK's may make other calls on the way, and those are operations of their own.
   */
  asksFor(subject: Subject): boolean {
    // One that names nothing asks for all that its method gives, a page at a time.
    return Object.keys(this.subject).length === 0 || isSameSubject(this.subject, subject);
  }

  /** Whether this operation came in by that very wrapper. */
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

  /** Notes an exchange over HTTP for the last of them; a second one for the same request is a leg of its own. */
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

  /** Notes what the server answered the last of them. */
  answered(answer: Answer): void {
    this.answer = answer;
    if (answer.task !== undefined) this.task = answer.task;
  }

  /** Takes note of secrets that stand in what the operation sends, gets or has asked for. */
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
    const aborted = peek(this.#signal, 'aborted') === true;
    const abortReason = peek(this.#signal, 'reason');
    this.#end(judgeError(reason, { aborted, abortReason, method, answer }), answer?.result, 'error');
  }

  /** Ends with a judgement made elsewhere. */
  conclude(judgement: Judgement, result?: unknown, callerSaw?: Ending['callerSaw']): void {
    this.#end(judgement, result, callerSaw);
  }

  /** Ends with a judgement, and hands it to its recorders; nobody waits for the record. */
  finish(judgement: Judgement, result?: unknown, callerSaw?: Ending['callerSaw']): void {
    this.conclude(judgement, result, callerSaw);
    this.completeInBackground();
  }

  /** Hands the ended operation to its recorders. Whoever does not wait for them cannot learn of a failure; `onError` does. */
  completeInBackground(): void {
    this.complete()?.catch(ignore);
  }

  /** Hands the ended operation to its recorders; undefined where nobody has to be waited for. */
  complete(): Promise<unknown> | undefined {
    const [first, ...others] = this.recorders;
    if (first === undefined) return undefined;
    if (others.length === 0) return first.complete(this);
    const deliveries = this.recorders.map((recorder) => recorder.complete(this));
    return deliveries.some((delivery) => delivery !== undefined) ? Promise.all(deliveries) : undefined;
  }

  /** What tells of an answer that nobody has seen: a probe's before the handshake, or an HTTP response that refused the request. */
  #seemsAnswered(): boolean {
    const { outcome, error } = this.ending ?? {};
    if (error === undefined || outcome !== 'OUTCOME_FAILURE_ERROR') return error?.type !== 'abandoned';
    return this.method === 'initialize' && !UNANSWERED.has(error.type);
  }

  /** An error's text without secrets, those of the session and of the call among them. */
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
    finished(this);
  }
}

/** What else the end of an operation tells: its durations to the meter, and the tools that it listed to their watch. */
function finished(operation: RunningOperation): void {
  try {
    measure(operation);
    const { method, ending, connection, recorders } = operation;
    // A list that the client did not accept has listed nothing.
    const tools =
      method === 'tools/list' && ending?.callerSaw === 'value' ? peek(ending.result, 'tools') : undefined;
    if (!Array.isArray(tools)) return;
    noteTools(connection, tools);
    for (const recorder of recorders) recorder.listed(operation, tools);
  } catch (error) {
    // An exporter's or a hook's bug must not become the caller's.
    diag.error('otel-mcp-log: the end of an operation could not be evaluated', error as Error);
  }
}
