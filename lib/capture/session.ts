import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import type { Operation } from '../operations/operation.js';
import { OPERATIONS, SESSION_LOST, SESSION_RESUMED } from '../operations/table.js';
import { mayBeOpen, beforeSignalEnds } from '../pipeline/lifecycle.js';
import type { Judgement } from '../processor/outcome.js';
import type { Connection } from './connection.js';
import { RunningOperation } from './operation.js';
import { closed } from './pending.js';
import { audienceOf, stateOf } from './state.js';
import { onTransportEnd } from './transport.js';

type Reference = WeakRef<Connection>;

/** Open sessions, for the end of the process. Weak references, so that a client that is never closed can be collected. */
const sessions = shared('sessions', () => {
  const open = new Set<Reference>();
  return {
    open,
    references: new WeakMap<Connection, Reference>(),
    collected: new FinalizationRegistry<Reference>((reference) => open.delete(reference)),
    watchesExit: false,
  };
});

/** Notes a login. An earlier session of the client is over: the client can no longer use it or close it. */
export function sessionOpened(connection: Connection): void {
  const state = stateOf(connection.client);
  const before = state.connection;
  state.connection = connection;
  connection.open = true;
  connection.closing = false;
  connection.remember();
  watchEnd(connection);
  const reference = new WeakRef(connection);
  sessions.open.add(reference);
  sessions.references.set(connection, reference);
  sessions.collected.register(connection, reference, reference);
  if (before !== connection && before.open) sessionLost(before, 'another connection took its place');
  if (sessions.watchesExit) return;
  sessions.watchesExit = true;
  // Before the listener that writes what is left: nothing asynchronous runs after this event.
  process.prependListener('exit', endAllSessions);
  beforeSignalEnds(endAllSessions);
  mayBeOpen({
    get isOpen() {
      return sessions.open.size > 0;
    },
  });
}

/** Records that a server takes up a session whose handshake it has not seen. */
export function sessionResumed(connection: Connection): void {
  sessionOpened(connection);
  connection.resumed = true;
  const audience = audienceOf(connection.client);
  if (audience === undefined) return;
  const running = new RunningOperation({
    ...audience,
    client: connection.client,
    operation: SESSION_RESUMED,
    params: undefined,
    connection,
    kind: SpanKind.SERVER,
    parent: ROOT_CONTEXT,
  });
  running.finish({ outcome: 'OUTCOME_SUCCESS' });
}

/** Learns of the end of a session from its transport, because the client may not learn of it. */
export function watchEnd(connection: Connection): void {
  onTransportEnd(connection, () => {
    if (connection.open && !connection.closing) transportEnded(connection);
  });
}

/**
 * Records the end of a session whose transport has ended. A client that closes its side is how a server's session ends: only where
 * requests are left without an answer, or after an error, is it lost.
 */
export function transportEnded(connection: Connection): void {
  const isDone = connection.side === 'server' && connection.underWay.size === 0 && !connection.isInTrouble;
  if (connection.isLeaving) return sessionLeft(connection);
  if (!isDone) return sessionLost(connection, 'the transport was lost');
  connection.endedBy = 'remote';
  sessionLeft(connection);
}

/** Notes that a session is over. */
export function sessionClosed(connection: Connection): void {
  connection.open = false;
  const reference = sessions.references.get(connection);
  if (reference === undefined) return;
  sessions.open.delete(reference);
  sessions.collected.unregister(reference);
}

/** Records the end of a session that the client did not close. */
export function sessionLost(connection: Connection, reason: string): void {
  const error = { type: 'connection_closed', message: reason };
  end(connection, SESSION_LOST, { outcome: 'OUTCOME_FAILURE_ERROR', error });
}

/** Records a logout by the owner of the transport, who closed it as `client.close()` would have. */
export function sessionLeft(connection: Connection): void {
  end(connection, OPERATIONS.get('close') ?? SESSION_LOST, { outcome: 'OUTCOME_SUCCESS' });
}

/**
 * Ends the server's requests and idle streams of a connection that closes: nothing else would end them. The SDK ends calls that are
 * under way.
 */
export function endPending(connection: Connection): void {
  for (const running of [...connection.underWay]) {
    if (running.kind === SpanKind.SERVER) closed(running, connection.watched ? CLOSED : UNKNOWN);
    else if (running.isIdle) running.finish(CLOSED);
  }
}

const CLOSED = {
  outcome: 'OUTCOME_FAILURE_ERROR',
  error: { type: 'connection_closed', message: 'the connection was closed before the end' },
} as const;

/** Over a frozen transport, answers are not seen. */
const UNKNOWN = { outcome: 'OUTCOME_UNSPECIFIED', error: { type: 'unknown_outcome' } } as const;

/** The end of a session in good order, for the server: either side may have ended it. */
const SERVED_TO_END: Operation = {
  ...(OPERATIONS.get('close') ?? SESSION_LOST),
  summary: () => 'The session ended',
};

function end(connection: Connection, operation: Operation, judgement: Judgement): void {
  endPending(connection);
  sessionClosed(connection);
  const audience = audienceOf(connection.client);
  if (audience === undefined) return;
  const running = new RunningOperation({
    ...audience,
    client: connection.client,
    operation: connection.side === 'server' && judgement.error === undefined ? SERVED_TO_END : operation,
    params: undefined,
    connection,
    kind: connection.side === 'server' ? SpanKind.SERVER : undefined,
    // The context in which the end is noticed has nothing to do with the session.
    parent: ROOT_CONTEXT,
  });
  if (connection.side === 'server')
    running.endedBy = judgement.outcome === 'OUTCOME_SUCCESS' ? (connection.endedBy ?? 'server') : 'remote';
  running.finish(judgement);
}

/** Whether the client has closed the input of a server over stdio, which tells the server to end. */
function hasHungUp(connection: Connection): boolean {
  const hasEnded =
    connection.side === 'server' && peek(peek(connection.over, '_stdin'), 'readableEnded') === true;
  if (hasEnded) connection.endedBy = 'client';
  return hasEnded;
}

function endAllSessions(): void {
  for (const reference of [...sessions.open]) {
    const connection = reference.deref();
    if (connection?.open !== true) continue;
    if (hasHungUp(connection)) sessionLeft(connection);
    else sessionLost(connection, 'the process ended with the session open');
  }
}
