import { OPERATIONS } from '../operations/table.js';
import { RunningOperation } from './running.js';
import { currentSource, defaultSource } from './source.js';
import { recordersOf, stateOf } from './state.js';

/** Records that the transport was lost: nobody called `close()`, and so nobody waits for the record. */
export function lostConnection(client: object): void {
  const state = stateOf(client);
  state.connection.open = false;
  const source = currentSource();
  const recorders = recordersOf(state);
  const operation = OPERATIONS.get('close');
  if (operation === undefined || (source === undefined && recorders.length === 0)) return;
  const running = new RunningOperation({
    client,
    operation,
    params: undefined,
    connection: state.connection,
    recorders,
    source: source ?? defaultSource,
  });
  running.conclude({
    outcome: 'OUTCOME_FAILURE_ERROR',
    error: { type: 'connection_closed', message: 'the transport was lost' },
  });
  running.complete()?.catch(() => undefined);
}
