import type { Operation } from '../operations/operation.js';
import { methodName, OPERATIONS, operationFor } from '../operations/table.js';
import { observe } from './call.js';
import { peek, type Method } from './client.js';
import { INTERNALS } from './internals.js';
import { observeListen } from './listen.js';
import { FUNNEL, observeRequest } from './request.js';
import type { Entrance } from './running.js';
import { observeStream } from './stream.js';

/** Makes the method that stands in for another, of that name on that class. */
export type LevelWrapper = (original: Method, entrance: Entrance) => Method;

const operationWrapper =
  (operation: Operation): LevelWrapper =>
  (original, entrance) =>
    function (...args) {
      const proceed = () => Reflect.apply(original, this, args);
      return observe({ client: this, entrance, operation, params: args[0], args, proceed });
    };

/** `connect` is given no parameters of the protocol but the transport. */
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

const requestWrapper: LevelWrapper = (original, entrance) =>
  function (...args) {
    const proceed = (given: readonly unknown[]): unknown => Reflect.apply(original, this, given);
    return observeRequest({ client: this, entrance, args, proceed });
  };

/** v2's extensions walk the pages of a list of theirs with a function that is given the method. */
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

const SPECIAL: Readonly<Record<string, (operation: Operation) => LevelWrapper>> = {
  connect: connectWrapper,
  listen: listenWrapper,
};

/** What is wrapped of a client class, where it is there; v1 and v2 have not the same methods. */
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

/** The same of the class that v1 keeps its task streams in. */
export const TASK_WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map([
  ['callToolStream', toolStreamWrapper],
]);
