import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { methodName, operationFor } from '../operations/table.js';
import { judgeError } from '../processor/outcome.js';
import type { Connection } from './connection.js';
import { RunningOperation } from './operation.js';
import { continued } from './propagation.js';
import { audienceOf } from './state.js';

/** A notification that arrives is on record before it is handled. Nobody waits for it. */
export function notified(client: object, notification: unknown): void {
  const connection = audienceOf(client)?.state.connection;
  const running = connection && begin(connection, notification, 'in');
  running?.finish({ outcome: 'OUTCOME_SUCCESS' });
}

/** Sends a notification, which is on record once the transport has it. */
export function sendNotification(connection: Connection, message: unknown, send: () => unknown): unknown {
  const running = begin(connection, message, 'out');
  if (running === undefined) return send();
  let sending: unknown;
  try {
    sending = send();
  } catch (error) {
    running.finish(judgeError(error, { aborted: false }));
    throw error;
  }
  const finish = () => running.finish({ outcome: 'OUTCOME_SUCCESS' });
  if (sending instanceof Promise)
    sending.then(finish, (reason: unknown) => running.finish(judgeError(reason, { aborted: false })));
  else finish();
  return sending;
}

/** Begins the operation of a notification, where a log keeps notifications. */
function begin(connection: Connection, message: unknown, way: 'in' | 'out'): RunningOperation | undefined {
  const audience = audienceOf(connection.client);
  const recorders = audience?.recorders().filter((recorder) => recorder.keepsNotifications) ?? [];
  if (audience === undefined || recorders.length === 0) return undefined;
  const method = methodName(peek(message, 'method'));
  const params = peek(message, 'params');
  const sender = way === 'in' && connection.side === 'client' ? 'The server sent' : 'Sent';
  const operation: Operation = { ...operationFor(method), summary: () => `${sender} ${method}` };
  return new RunningOperation({
    client: connection.client,
    recorders: () => recorders,
    source: audience.source,
    operation,
    params,
    connection,
    kind: way === 'in' ? SpanKind.SERVER : SpanKind.CLIENT,
    parent: way === 'in' ? continued(peek(params, '_meta'), ROOT_CONTEXT) : undefined,
  });
}
