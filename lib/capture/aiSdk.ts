import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { OPERATIONS, operationFor, SESSION_LOST } from '../operations/table.js';
import { observe } from './call.js';
import { observeInbound } from './inbound.js';
import { noticeAnswer } from './pending.js';
import { observeRequest } from './request.js';
import { noticeClose, noticeTrouble, type LevelWrapper } from './wrappers.js';

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
const requestWrapper: LevelWrapper = (original, entrance) =>
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
  ['request', requestWrapper],
  ['onRequestMessage', observeInbound],
  ['onResponse', noticeAnswer],
  ['onClose', noticeClose],
  ['onError', noticeTrouble],
]);
