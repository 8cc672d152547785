import type { RunningOperation } from '../capture/operation.js';
import { RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import { prepare } from '../operations/operation.js';

/** A message that cannot be read may still be understood by the other side, so that it passes, and that it did is on record. */
export const UNREADABLE = prepare(
  {
    method: 'unreadable',
    event: 'EVENT_RESOURCE_ACCESS',
    resource: 'message/unreadable',
    summary: 'Passed on a message that could not be read',
  },
  (params) => ({ arguments: params }),
);

/** What capture asks of a client's transport, told by what it has, as it tells those of the SDK. */
export interface TransportFacts {
  /** Of a server that was started: how. */
  readonly _serverParams?: { readonly command: string; readonly args: readonly string[] };
  /** Of a server over HTTP: where it is. */
  readonly _url?: URL;
  readonly terminateSession?: () => void;
  /** The session id that the server gave. */
  sessionId?: string | undefined;
}

/** The members that capture has put into a request's `_meta`. */
export function addedMeta(request: object, passed: object): object {
  if (passed === request) return {};
  const before = peek(peek(request, 'params'), '_meta') ?? {};
  const after = peek(peek(passed, 'params'), '_meta') ?? {};
  return Object.fromEntries(Object.entries(after).filter(([key]) => !Object.hasOwn(before, key)));
}

/** Whether calls of tools may need an approval, so that none may pass unread. */
export function asksBeforeCalls(running: RunningOperation | undefined): boolean {
  return running?.recorders.some((recorder) => recorder.asksBeforeCalls) === true;
}

/** Refuses a request whose text may say something else to the server. */
export const AMBIGUOUS = (): RefusedError =>
  new RefusedError('approval_invalid', 'two programs may read two things in the request');

/** Refuses what cannot be read and may be a call, so that it does not pass. */
export function turnedAway(running: RunningOperation): false {
  const message = 'a message that cannot be read may be a call that needs an approval';
  running.fail(new RefusedError('approval_missing', message));
  running.completeInBackground();
  return false;
}
