import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SESSION_LOST } from '../operations/table.js';
import type { OperationRecorder } from '../processor/recorder.js';
import { shared } from '../shared.js';
import { ignore } from './admission.js';
import type { Connection } from './connection.js';
import { RunningOperation } from './running.js';
import { audienceOf, stateOf } from './state.js';

type Reference = WeakRef<Connection>;

/** Sessions that are open, for the end of the process. Weakly held: a client that nobody closes must not be kept by us. */
const sessions = shared('sessions', () => {
  const open = new Set<Reference>();
  return {
    open,
    references: new WeakMap<Connection, Reference>(),
    collected: new FinalizationRegistry<Reference>((reference) => open.delete(reference)),
    watchesExit: false,
  };
});

/** Notes a login. A session that the client had before is over: it can no longer be used through this client, nor closed. */
export function sessionOpened(connection: Connection): void {
  const state = stateOf(connection.client);
  const before = state.connection;
  state.connection = connection;
  connection.open = true;
  connection.closing = false;
  connection.remember();
  const reference = new WeakRef(connection);
  sessions.open.add(reference);
  sessions.references.set(connection, reference);
  sessions.collected.register(connection, reference, reference);
  if (before !== connection && before.open) sessionLost(before, 'another connection took its place');
  if (sessions.watchesExit) return;
  sessions.watchesExit = true;
  // Before the listeners of those who flush what is left: nothing asynchronous happens after this event.
  process.prependListener('exit', endAllSessions);
}

/** Notes that a session is over and on record. */
export function sessionClosed(connection: Connection): void {
  connection.open = false;
  const reference = sessions.references.get(connection);
  if (reference === undefined) return;
  sessions.open.delete(reference);
  sessions.collected.unregister(reference);
}

/** Records the end of a session that nobody closed, and so nobody waits for its record. */
export function sessionLost(connection: Connection, reason: string): void {
  sessionClosed(connection);
  const audience = audienceOf(connection.client);
  if (audience === undefined) return;
  const running = new RunningOperation({
    ...audience,
    client: connection.client,
    operation: SESSION_LOST,
    params: undefined,
    connection,
    // It happens in whatever context the news came in.
    parent: ROOT_CONTEXT,
  });
  const error = { type: 'connection_closed', message: reason };
  running.conclude({ outcome: 'OUTCOME_FAILURE_ERROR', error });
  running.complete()?.catch(ignore);
}

function endAllSessions(): void {
  const recorders = new Set<OperationRecorder>();
  for (const reference of [...sessions.open]) {
    const connection = reference.deref();
    if (connection?.open !== true) continue;
    for (const recorder of audienceOf(connection.client)?.recorders ?? []) recorders.add(recorder);
    sessionLost(connection, 'the process ended with the session open');
  }
  for (const recorder of recorders) recorder.flushSync();
}
