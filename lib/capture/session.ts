import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import type { Connection } from './connection.js';
import type { Operation } from '../operations/operation.js';
import { OPERATIONS, SESSION_LOST, SESSION_RESUMED } from '../operations/table.js';
import { mayBeOpen, beforeSignalEnds } from '../pipeline/lifecycle.js';
import type { Judgement } from '../processor/outcome.js';
import { RunningOperation } from './operation.js';
import { closed } from './pending.js';
import { audienceOf, stateOf } from './state.js';

/** The connection that learns of a transport's end. It changes, since a transport may serve one session after another. */
interface Watch {
  connection: Connection;
  ended: () => void;
}

const watches = shared('ends', () => new WeakMap<object, Watch>());

/**
 * Calls back when the transport of a connection ends: its owner calls `close()`, or it calls `onclose`. The SDK's client knows of
 * `onclose` alone, and no longer once an application has set another function. Safe to call for every operation of the connection.
 */
function onTransportEnd(connection: Connection, ended: () => void): void {
  const transport = connection.over;
  if (transport === undefined) return;
  const watch = watches.get(transport);
  if (watch !== undefined) {
    if (watch.connection !== connection) Object.assign(watch, { connection, ended });
    return;
  }
  const added: Watch = { connection, ended };
  watches.set(transport, added);
  watchClose(transport, added);
  watchOnclose(transport, added);
}

/** Watches the transport's `close()`. Where the client itself calls it, the logout is recorded already. */
function watchClose(transport: object, watch: Watch): void {
  const close = peek(transport, 'close');
  if (typeof close !== 'function') return;
  const watched = new Proxy(close as (...args: unknown[]) => unknown, {
    apply(target, self, args) {
      const { connection } = watch;
      const isOwners = !connection.isInTrouble && !isClosedByPeer(transport);
      if (!connection.open || connection.closing || !isOwners) return Reflect.apply(target, self, args);
      connection.isLeaving = true;
      connection.remember();
      const stay = () => (connection.isLeaving = false);
      let closing: unknown;
      try {
        closing = Reflect.apply(target, self, args);
      } catch (error) {
        stay();
        throw error;
      }
      if (closing instanceof Promise) closing.then(() => watch.ended(), stay);
      else watch.ended();
      return closing;
    },
  });
  define(transport, 'close', { value: watched, writable: true });
}

/** The SDK's in-memory transports close each other; the one that was closed first has let go of the other. */
function isClosedByPeer(transport: object): boolean {
  const peer = peek(transport, '_otherTransport');
  return peer !== undefined && peek(peer, '_otherTransport') !== transport;
}

/** Watches `onclose`. A function that the application sets later is called, and the end is noted after it. */
function watchOnclose(transport: object, watch: Watch): void {
  const inherited = find(transport, 'onclose');
  let current: unknown = inherited?.value;
  const noticing = (value: unknown): unknown => {
    if (typeof value !== 'function') return value;
    return new Proxy(value as (...args: unknown[]) => unknown, {
      apply(target, self, args) {
        try {
          return Reflect.apply(target, self, args);
        } finally {
          watch.ended();
        }
      },
    });
  };
  define(transport, 'onclose', {
    get: () => (inherited?.get ? (Reflect.apply(inherited.get, transport, []) as unknown) : current),
    set: (value: unknown) => {
      const seen = noticing(value);
      if (inherited?.set) Reflect.apply(inherited.set, transport, [seen]);
      else current = seen;
    },
  });
}

/** Defines a property as enumerable as it was. A frozen transport stays as it is. */
function define(transport: object, name: string, descriptor: PropertyDescriptor): void {
  const enumerable = Object.getOwnPropertyDescriptor(transport, name)?.enumerable ?? false;
  Reflect.defineProperty(transport, name, { ...descriptor, enumerable, configurable: true });
}

function find(object: object, name: string): PropertyDescriptor | undefined {
  for (let link: object | null = object; link !== null; link = Object.getPrototypeOf(link) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(link, name);
    if (descriptor !== undefined) return descriptor;
  }
  return undefined;
}

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
