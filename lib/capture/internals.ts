import { ignore } from './admission.js';
import { noticeAnswer } from './answers.js';
import { withdrawn } from './asked.js';
import { peek, type Method, type Wrapper } from './client.js';
import { observeEmbedded, observeInbound } from './inbound.js';
import { resume } from './request.js';
import { endPending, sessionLeft, sessionLost } from './session.js';
import { active, audienceOf } from './state.js';

const outsideOfOperations: Wrapper = (original) =>
  function (...args) {
    return active.run(undefined, () => Reflect.apply(original, this, args));
  };

/** A server may take a request back; v1 does not heed that for the id 0. */
const noticeWithdrawal: Wrapper = (original) =>
  function (...args) {
    const value: unknown = Reflect.apply(original, this, args);
    const id = peek(peek(args[0], 'params'), 'requestId');
    const handling = peek(this, '_requestHandlerAbortControllers');
    const controller: unknown = handling instanceof Map ? handling.get(id) : undefined;
    const transport = peek(this, 'transport');
    if (peek(peek(controller, 'signal'), 'aborted') === true && typeof transport === 'object' && transport)
      withdrawn(transport, id);
    return value;
  };

/**
 * A transport that is lost ends the session as `close()` does: one logout, once. Whatever waits for the other side, or for a
 * caller who may never read on, ends with it; calls under way are ended by the SDK.
 */
const noticeClose: Wrapper = (original) =>
  function (...args) {
    const connection = audienceOf(this)?.state.connection;
    if (connection !== undefined) {
      endPending(connection);
      if (connection.open && !connection.closing) {
        if (connection.isLeaving) sessionLeft(connection);
        else sessionLost(connection, 'the transport was lost');
      }
    }
    return Reflect.apply(original, this, args);
  };

/** A transport that closes itself because of an error does so in the turn of the event loop in which it reports the error. */
const noticeTrouble: Wrapper = (original) =>
  function (...args) {
    const connection = audienceOf(this)?.state.connection;
    if (connection !== undefined) {
      connection.isInTrouble = true;
      queueMicrotask(() => (connection.isInTrouble = false));
    }
    return Reflect.apply(original, this, args);
  };

/** v2 looks into its own cache before it asks the server; the promise stays the one that it waits for, so as not to be later. */
const noticeCacheHit: Wrapper = (original) =>
  function (...args) {
    const value: unknown = Reflect.apply(original, this, args);
    const running = active.getStore();
    if (value instanceof Promise && running?.covers(this, String(args[0])) === true) {
      value.then((hit: unknown) => {
        if (hit !== undefined) running.fromCache = true;
      }, ignore);
    }
    return value;
  };

/** v2 goes on with a request whose answer was `input_required`. */
const keepRoundsTogether: Wrapper = (original) =>
  function (...args) {
    return resume(this, peek(args[1], 'request'), () => Reflect.apply(original, this, args));
  };

/** Internals of the SDK's protocol class that are wrapped where they exist; without them only this detail is missing. */
export const INTERNALS: ReadonlyMap<string, (original: Method) => Method> = new Map([
  ['_onrequest', observeInbound],
  ['_onresponse', noticeAnswer],
  ['_onnotification', outsideOfOperations],
  ['_oncancel', noticeWithdrawal],
  ['_onclose', noticeClose],
  ['_onerror', noticeTrouble],
  ['_serveFromCache', noticeCacheHit],
  ['_resolveNonCompleteResult', keepRoundsTogether],
  ['_getRequestHandler', observeEmbedded],
]);
