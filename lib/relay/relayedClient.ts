import { SpanKind } from '@opentelemetry/api';
import { observe, whenAdmitted, observeRequest } from '../capture/call.js';
import { ignore } from '../capture/client.js';
import { Connection } from '../capture/connection.js';
import { observeInbound } from '../capture/inbound.js';
import { shareTools } from '../capture/tools.js';
import { RunningOperation } from '../capture/operation.js';
import { isAsked, withdrawn } from '../capture/pending.js';
import { sessionClosed, sessionLeft, sessionLost, sessionOpened } from '../capture/session.js';
import { activeOperation, audienceOf, runIn, stateOf } from '../capture/state.js';
import { peek } from '../internal/peek.js';
import { OPERATIONS, operationFor } from '../operations/table.js';
import type { OperationRecorder } from '../processor/operation.js';
import { readAnswer } from '../processor/outcome.js';
import type { UnansweredError } from './messages.js';
import {
  addedMeta,
  AMBIGUOUS,
  asksBeforeCalls,
  turnedAway,
  UNREADABLE,
  PendingRequests,
  type TransportFacts,
  type FormHandler,
  type OwnQuestions,
  type PendingRequest,
} from './clientState.js';
import { isAmbiguous } from './jsonText.js';

/** What stands before the names by which revision 2026-07-28 has requests and results describe their makers. */
const META = 'io.modelcontextprotocol/';

const CONNECT = OPERATIONS.get('connect') ?? operationFor('initialize');

type Transport = TransportFacts & { readonly isRelayed: true; send(message: object): void };

/**
 * The client at the other end of a relay, as a client of this process: its messages run through the same capture as the calls
 * of the SDK's clients, by an object that has what capture reads of those. A request is an operation from its arrival to its answer.
 */
export class RelayedClient {
  /** Read by capture. */
  readonly transport: Transport;
  /** Read by capture, which finds the same in version 2 of the SDK's client: what its requests say of it (revision 2026-07-28). */
  _clientInfo: unknown;
  /** Read by capture: what asks the user of the client, where the client can. */
  readonly _requestHandlers = new Map<string, FormHandler>();
  /** The relay's own questions to the client; absent where there is no way to put them. */
  questions: OwnQuestions | undefined;
  /** Requests that are not sent yet, or have no answer yet, by id: how to take them back. */
  readonly #revocable = new Map<unknown, AbortController>();
  _capabilities: unknown;
  #protocolVersion: unknown;
  #serverInfo: unknown;
  #serverCapabilities: unknown;
  readonly #pending = new PendingRequests();
  /** Where questions of the server's that must not reach the client are answered for it. */
  readonly #answerServer: (answer: object) => void;
  /** Questions of the server's that wait to be let through, by id: what turns them away. */
  readonly #turnAway = new Map<unknown, () => void>();
  /** Whether the server keeps no session for it: there is none to begin or to end. */
  standsAlone = false;
  #isPassing = false;
  #passed: object | undefined;

  /**
   * @param recorder Who records its operations; without one they pass unrecorded.
   * @param answerServer Takes an answer that the relay gives in the client's place.
   * @param tools Stands for what other clients have learned of the server's tools, and this one learns.
   */
  constructor(
    facts: TransportFacts,
    recorder: OperationRecorder | undefined,
    answerServer: (answer: object) => void,
    tools?: object,
  ) {
    this.#answerServer = answerServer;
    this.transport = Object.assign(facts, {
      isRelayed: true as const,
      send: (message: object) => {
        if (this.#isPassing) this.#passed = message;
        else this.#answerInstead(message);
      },
    });
    if (recorder === undefined) return;
    const state = stateOf(this);
    state.claimedBy = recorder;
    state.connection = new Connection(this, this.transport);
    if (tools !== undefined) shareTools(tools, state.connection);
  }

  /** Read by capture. */
  getNegotiatedProtocolVersion(): unknown {
    return this.#protocolVersion;
  }

  /** Read by capture. */
  getServerVersion(): unknown {
    return this.#serverInfo;
  }

  /** Read by capture. */
  getServerCapabilities(): unknown {
    return this.#serverCapabilities;
  }

  get #connection(): Connection {
    return stateOf(this).connection;
  }

  /**
   * A request of the client's.
   *
   * @param send Called once the request may go on, with the members that join its `_meta`.
   * @param text The request as the client wrote it.
   * @returns What becomes of it: resolves or rejects as the answer has it, once its record is as safe as the log's mode asks. Where
   * `send` was not called, it rejects with what forbids it.
   */
  request(request: object, send: (meta: object) => void, text?: () => string): Promise<unknown> {
    const abort = new AbortController();
    const id = peek(request, 'id');
    this.#revocable.set(id, abort);
    const pending: PendingRequest = { abort };
    const method = peek(request, 'method');
    this.#noteClient(peek(peek(request, 'params'), '_meta'));
    if (method === 'initialize') this.questions?.offerTo(this._requestHandlers, request);
    const args = [request, { signal: abort.signal }];
    const sendAsOperation = () => this.#send(request, pending, send, text);
    const go = () =>
      observeRequest({
        client: this,
        entrance: { level: this, name: 'request' },
        args,
        proceed: sendAsOperation,
      });
    const value = runIn(undefined, () =>
      method === 'initialize'
        ? observe({
            client: this,
            entrance: { level: this, name: 'connect' },
            operation: CONNECT,
            params: peek(request, 'params'),
            transport: this.transport,
            args,
            proceed: go,
          })
        : go(),
    ) as Promise<unknown>;
    pending.delivered = value;
    value.then((result) => this.#noteSession(method, result), ignore);
    const over = () => this.#revocable.get(id) === abort && this.#revocable.delete(id);
    value.then(over, over);
    return value;
  }

  /** Without a handshake, each request says who makes it. */
  #noteClient(meta: unknown): void {
    const info = peek(meta, `${META}clientInfo`);
    if (info === undefined) return;
    this._clientInfo = info;
    this._capabilities = peek(meta, `${META}clientCapabilities`);
    this.#protocolVersion = peek(meta, `${META}protocolVersion`);
  }

  /** A client that goes on with a session of before, or with a server that keeps none, logs in with its first request. */
  #noteSession(method: unknown, result: unknown): void {
    if (audienceOf(this) === undefined || method === 'initialize' || this.#connection.open) return;
    if (this.standsAlone) return;
    this.#serverInfo = peek(peek(result, '_meta'), `${META}serverInfo`);
    if (method === 'server/discover') this.#serverCapabilities = peek(result, 'capabilities');
    sessionOpened(this.#connection);
  }

  #send(
    request: object,
    pending: PendingRequest,
    send: (meta: object) => void,
    text?: () => string,
  ): Promise<unknown> {
    if (pending.abort.signal.aborted) return Promise.reject(pending.abort.signal.reason as Error);
    pending.running = activeOperation();
    // What is sent is the text, and the server's parser may read a call in it that nobody has approved.
    if (asksBeforeCalls(pending.running) && (text === undefined || isAmbiguous(text())))
      return Promise.reject(AMBIGUOUS());
    const passed = this.#pass(request);
    const answer = this.#pending.add(peek(request, 'id'), pending);
    send(addedMeta(request, passed));
    return answer;
  }

  /** Has a message pass the transport, where capture looks at it and gives it the trace context. */
  #pass(message: object): object {
    this.#isPassing = true;
    try {
      this.transport.send(message);
      return this.#passed ?? message;
    } finally {
      this.#isPassing = false;
      this.#passed = undefined;
    }
  }

  /** What capture sends of its own: its word to the server that a question is not answered. */
  #answerInstead(answer: object): void {
    const id = peek(answer, 'id');
    this.#turnAway.get(id)?.();
    this.#turnAway.delete(id);
    this.#answerServer(answer);
  }

  /**
   * What is no request: an answer to a question of the server's, or a notification.
   *
   * @returns Whether it is for the server; not where it answers a question of the relay's own.
   */
  noteOutgoing(message: object): boolean {
    const method = peek(message, 'method');
    if (method === undefined) {
      if (this.questions?.takes(message) === true) return false;
      this.#pass(message);
    }
    if (method !== 'notifications/cancelled') return true;
    const params = peek(message, 'params');
    const id = peek(params, 'requestId');
    // One that waits for a person has not been sent.
    if (this.#pending.first(id) === undefined)
      this.#revocable.get(id)?.abort(new DOMException('taken back', 'AbortError'));
    this.#pending.cancel(id, String(peek(params, 'reason') ?? 'the client took it back'));
    return true;
  }

  /**
   * An answer of the server's.
   *
   * @returns Settles when the client may have it; undefined where nothing waits for it.
   */
  answer(response: object): Promise<unknown> | undefined {
    const pending = this.#pending.take(peek(response, 'id'));
    if (pending === undefined) return undefined;
    pending.running?.answered(readAnswer(response));
    const error = peek(response, 'error');
    if (error === undefined) pending.resolve?.(peek(response, 'result'));
    else pending.reject?.(error);
    return pending.delivered;
  }

  /** Whether the client waits for the answer of this id. */
  awaits(id: unknown): boolean {
    return this.#pending.first(id) !== undefined;
  }

  /** How the server's end of HTTP answered the request of this id. */
  exchanged(id: unknown, facts: { status: number; scopes?: readonly string[] | undefined }): void {
    this.#pending.first(id)?.running?.exchanged(facts);
  }

  /** No answer will come for the request of this id. Settles as {@link RelayedClient.answer} does. */
  unanswered(id: unknown, reason: UnansweredError): Promise<unknown> | undefined {
    const pending = this.#pending.take(id);
    pending?.reject?.(reason);
    return pending?.delivered;
  }

  /** An answer that is too long to be read: that it came is known, what it says is not. */
  answerUnread(id: unknown): Promise<unknown> | undefined {
    const pending = this.#pending.take(id);
    const error = { type: 'unreadable', message: 'the answer is too long to be read' };
    pending?.running?.conclude({ outcome: 'OUTCOME_UNSPECIFIED', error });
    pending?.resolve?.(undefined);
    return pending?.delivered;
  }

  /**
   * A request of the server's. Resolves to whether the client may have it; where not, the server has been answered.
   *
   * @param isReplay Whether the server may say it for the second time, because a stream is gone on with.
   */
  question(request: object, isReplay: boolean): Promise<boolean> {
    const id = peek(request, 'id');
    if (isReplay && isAsked(this.transport, id)) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#turnAway.set(id, () => resolve(false));
      const pass = (): void => {
        this.#turnAway.delete(id);
        resolve(true);
      };
      Reflect.apply(observeInbound(pass), this, [request]);
    });
  }

  /** A notification of the server's. */
  noteIncoming(message: object): void {
    if (peek(message, 'method') === 'notifications/cancelled')
      withdrawn(this.transport, peek(peek(message, 'params'), 'requestId'));
  }

  /**
   * A message that cannot be read passes by: that is an operation as well, by whichever side.
   *
   * @param facts What is known of it; read when it is over, so that it may still change.
   * @param settled Resolves when it is over.
   * @returns Whether it may pass.
   */
  async unreadable(facts: object, by: 'client' | 'server', settled?: Promise<unknown>): Promise<boolean> {
    const audience = audienceOf(this);
    if (audience === undefined) return true;
    const running = new RunningOperation({
      ...audience,
      client: this,
      connection: audience.state.connection,
      operation: UNREADABLE,
      params: facts,
      // Neither a request that awaits an answer nor one of the server's that a user decides about.
      kind: by === 'client' ? SpanKind.INTERNAL : SpanKind.SERVER,
    });
    if (by === 'client' && asksBeforeCalls(running)) return turnedAway(running);
    try {
      await whenAdmitted(running, () => undefined);
    } catch {
      return false;
    }
    const finish = () => running.finish({ outcome: 'OUTCOME_SUCCESS' });
    if (settled === undefined) finish();
    else settled.then(finish, finish);
    return true;
  }

  /** The server has lost the session; what is under way may be said once more in another. */
  lose(why: string): void {
    if (audienceOf(this) !== undefined && this.#connection.open) sessionLost(this.#connection, why);
  }

  /**
   * The session is over. Resolves when all that was under way has its record.
   *
   * @param lost Why, where the client did not end it.
   */
  async end(lost?: string): Promise<void> {
    await this.#pending.close();
    if (audienceOf(this) === undefined) return;
    const connection = this.#connection;
    if (!connection.open) return;
    // It shook hands with a server that keeps no session, so that there is none to leave.
    if (this.standsAlone) return sessionClosed(connection);
    if (lost === undefined) sessionLeft(connection);
    else sessionLost(connection, lost);
  }
}
