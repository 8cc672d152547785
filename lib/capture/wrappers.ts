import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { methodName, operationFor, OPERATIONS, SESSION_LOST } from '../operations/table.js';
import { observe, FUNNEL, observeRequest, resume } from './call.js';
import { ignore, type Method, type Wrapper } from './client.js';
import { observeEmbedded, observeInbound } from './inbound.js';
import type { Entrance } from './operation.js';
import { notified } from './outgoing.js';
import { noticeAnswer, withdrawn } from './pending.js';
import { endPending, transportEnded } from './session.js';
import { activeOperation, audienceOf, runIn } from './state.js';
import { observeListen, observeStream } from './stream.js';

/** Makes the method that replaces another, with its class and its name. */
export type LevelWrapper = (original: Method, entrance: Entrance) => Method;

export const operationWrapper =
  (operation: Operation): LevelWrapper =>
  (original, entrance) =>
    function (...args) {
      const proceed = () => Reflect.apply(original, this, args);
      return observe({ client: this, entrance, operation, params: args[0], args, proceed });
    };

/** `connect` gets a transport, and no parameters of the protocol. */
const connectWrapper =
  (operation: Operation): LevelWrapper =>
  (original, entrance) =>
    function (...args) {
      const [transport] = args;
      const proceed = () => Reflect.apply(original, this, args);
      return observe({ client: this, entrance, operation, params: undefined, transport, args, proceed });
    };

const listenWrapper =
  (operation: Operation): LevelWrapper =>
  (original, entrance) =>
    function (...args) {
      const proceed = () => Reflect.apply(original, this, args);
      return observeListen({ client: this, entrance, operation, params: args[0], args, proceed });
    };

/** All requests that are made directly. */
export const requestWrapper: LevelWrapper = (original, entrance) =>
  function (...args) {
    const proceed = (given: readonly unknown[]): unknown => Reflect.apply(original, this, given);
    return observeRequest({ client: this, entrance, args, proceed });
  };

/** v2's extensions list through a method that gets the protocol's method and fetches all pages. */
const pagesWrapper: LevelWrapper = (original, entrance) =>
  function (...args) {
    const operation = operationFor(methodName(args[0]));
    const proceed = () => Reflect.apply(original, this, args);
    return observe({ client: this, entrance, operation, params: undefined, args: [], proceed });
  };

const requestStreamWrapper: LevelWrapper = (original, entrance) =>
  function (...args) {
    const method = methodName(peek(args[0], 'method'));
    const proceed = (): unknown => Reflect.apply(original, this, args);
    return observeStream({ client: this, entrance, method, params: peek(args[0], 'params'), args, proceed });
  };

const toolStreamWrapper: LevelWrapper = (original, entrance) =>
  function (...args) {
    const client = peek(this, '_client');
    const proceed = (): unknown => Reflect.apply(original, this, args);
    if (typeof client !== 'object' || client === null) return proceed();
    return observeStream({ client, entrance, method: 'tools/call', params: args[0], args, proceed });
  };

/** A notification is handled outside of the operation in whose asynchronous context it arrives. */
const observeNotification: Wrapper = (original) =>
  function (...args) {
    notified(this, args[0]);
    return runIn(undefined, () => Reflect.apply(original, this, args));
  };

/** The other side may cancel its request. v1 ignores that for the id 0. */
const noticeWithdrawal: Wrapper = (original) =>
  function (...args) {
    const value: unknown = Reflect.apply(original, this, args);
    const id = peek(peek(args[0], 'params'), 'requestId');
    const handling = peek(this, '_requestHandlerAbortControllers');
    const controller: unknown = handling instanceof Map ? handling.get(id) : undefined;
    const transport = peek(this, 'transport');
    if (peek(peek(controller, 'signal'), 'aborted') === true && typeof transport === 'object' && transport)
      withdrawn(transport, id, peek(peek(args[0], 'params'), 'reason'));
    return value;
  };

/**
 * The end of the transport ends the session as `close()` does, with one logout. It also ends the server's requests and idle streams;
 * the SDK ends calls that are under way.
 */
const noticeClose: Wrapper = (original) =>
  function (...args) {
    const connection = audienceOf(this)?.state.connection;
    if (connection !== undefined) {
      if (connection.open && !connection.closing) transportEnded(connection);
      else endPending(connection);
    }
    return Reflect.apply(original, this, args);
  };

/** Notes an error of the transport: one that closes because of it does so before the next microtask. */
const noticeTrouble: Wrapper = (original) =>
  function (...args) {
    const connection = audienceOf(this)?.state.connection;
    if (connection !== undefined) {
      connection.isInTrouble = true;
      queueMicrotask(() => (connection.isInTrouble = false));
    }
    return Reflect.apply(original, this, args);
  };

/** v2 asks its cache before the server. Its promise is passed on unchanged, so that nothing settles later than without us. */
const noticeCacheHit: Wrapper = (original) =>
  function (...args) {
    const value: unknown = Reflect.apply(original, this, args);
    const running = activeOperation();
    if (value instanceof Promise && running?.covers(this, String(args[0])) === true) {
      value.then((hit: unknown) => {
        if (hit !== undefined) running.fromCache = true;
      }, ignore);
    }
    return value;
  };

/** v2 answers `input_required` with another round of the same request. */
const keepRoundsTogether: Wrapper = (original) =>
  function (...args) {
    return resume(this, peek(args[1], 'request'), () => Reflect.apply(original, this, args));
  };

/** Internals of the SDK's protocol class that are wrapped where they exist. Without one, only its detail is missing from records. */
export const INTERNALS: ReadonlyMap<string, (original: Method) => Method> = new Map([
  ['_onrequest', observeInbound],
  ['_onresponse', noticeAnswer],
  ['_onnotification', observeNotification],
  ['_oncancel', noticeWithdrawal],
  ['_onclose', noticeClose],
  ['_onerror', noticeTrouble],
  ['_serveFromCache', noticeCacheHit],
  ['_resolveNonCompleteResult', keepRoundsTogether],
  ['_getRequestHandler', observeEmbedded],
]);

const SPECIAL: Readonly<Record<string, (operation: Operation) => LevelWrapper>> = {
  connect: connectWrapper,
  listen: listenWrapper,
};

/** The wrappers of a client's methods. v1 and v2 do not have all of these methods. */
export const WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map<string, LevelWrapper>([
  ...[...OPERATIONS].map(
    ([name, operation]) => [name, (SPECIAL[name] ?? operationWrapper)(operation)] as const,
  ),
  ['request', requestWrapper],
  [FUNNEL, requestWrapper],
  ['requestStream', requestStreamWrapper],
  ['_walkPages', pagesWrapper],
  ['_readResource', operationWrapper(operationFor('resources/read'))],
  ...INTERNALS,
]);

/** The wrappers for v1's class of task streams. */
export const TASK_WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map([
  ['callToolStream', toolStreamWrapper],
]);

/** The package of these clients. Before it, `ai` 4 and 5 had the same class. */
export const AI_SDK = '@ai-sdk/mcp';

/** What every version of this client has: its one funnel for requests, and what its transport calls. */
const METHODS = ['init', 'request', 'close', 'callTool', 'tools', 'onResponse', 'onClose'];

/** Whether this is a client of the AI SDK, or its prototype. The class itself is not exported. */
export function isAiSdkClient(client: object): boolean {
  return METHODS.every((name) => typeof peek(client, name) === 'function');
}

/** The handshake, and the end of the session. The client has its transport from its constructor. */
const sessionWrapper =
  (operation: Operation): LevelWrapper =>
  (original, entrance) =>
    function (...args) {
      const proceed = () => Reflect.apply(original, this, args);
      const isLogin = operation.method === 'initialize';
      return observe({
        client: this,
        entrance,
        operation,
        params: undefined,
        ...(isLogin && { transport: peek(this, 'transport') }),
        args: [peek(this, 'initializationOptions')],
        proceed,
      });
    };

/** All requests pass here, as one object of the request, the schema of its result and the options. */
const aiSdkRequest: LevelWrapper = (original, entrance) =>
  function (...args) {
    const [config] = args;
    const proceed = ([request]: readonly unknown[]): unknown =>
      Reflect.apply(original, this, [{ ...(config as object), request }]);
    if (typeof config !== 'object' || config === null) return Reflect.apply(original, this, args);
    const given = [peek(config, 'request'), peek(config, 'options')];
    return observeRequest({ client: this, entrance, args: given, proceed });
  };

/** The wrappers of such a client's methods. Its other methods make requests, and are no operations of their own. */
export const AI_SDK_WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map<string, LevelWrapper>([
  ['init', sessionWrapper(OPERATIONS.get('connect') ?? operationFor('initialize'))],
  ['close', sessionWrapper(OPERATIONS.get('close') ?? SESSION_LOST)],
  ['request', aiSdkRequest],
  ['onRequestMessage', observeInbound],
  ['onResponse', noticeAnswer],
  ['onClose', noticeClose],
  ['onError', noticeTrouble],
]);
