import type { Wrapper } from './client.js';
import { lostConnection } from './logout.js';
import { active, stateOf } from './state.js';

/**
 * Runs what comes in from the server outside the operation in whose asynchronous context it happens to arrive: a request
 * that a handler makes is an operation of its own, though its answer may travel on the stream of the one that caused it.
 */
const outsideOfOperations: Wrapper = (original) =>
  function (...args) {
    return active.run(undefined, () => Reflect.apply(original, this, args));
  };

/** A transport that is lost ends the session as `close()` does: one logout, once. */
const noticeClose: Wrapper = (original) =>
  function (...args) {
    const { connection } = stateOf(this);
    try {
      return Reflect.apply(original, this, args);
    } finally {
      if (connection.open && !connection.closing) lostConnection(this);
    }
  };

/** Internals of the SDK's protocol class that are wrapped where they exist; without them only this detail is missing. */
export const INTERNALS: ReadonlyMap<string, Wrapper> = new Map([
  ['_onrequest', outsideOfOperations],
  ['_onnotification', outsideOfOperations],
  ['_onclose', noticeClose],
]);
