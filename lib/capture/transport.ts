import { propagation } from '@opentelemetry/api';
import { shared } from '../shared.js';
import { peek } from './client.js';
import { active } from './state.js';
import type { RunningOperation } from './running.js';

type Send = (this: unknown, message: unknown, ...rest: unknown[]) => unknown;

const wrapped = shared('transports', () => new WeakSet<object>());

/**
 * Wraps a transport's `send`, the one place that every request passes whatever method of the client made it: here its id
 * is seen, and here the trace context joins `params._meta` (SEP-414), on a copy. The user's own objects stay untouched.
 */
export function watchTransport(transport: unknown): void {
  if (typeof transport !== 'object' || transport === null || wrapped.has(transport)) return;
  const send = peek(transport, 'send');
  if (typeof send !== 'function') return;
  const watched: Send = function (message, ...rest) {
    const operation = active.getStore();
    const outgoing = operation === undefined || operation.ended ? message : prepare(operation, message);
    return Reflect.apply(send, this, [outgoing, ...rest]);
  };
  // A frozen transport cannot be watched: its operations are on record all the same, without request ids.
  if (!Object.isExtensible(transport) && !Object.hasOwn(transport, 'send')) return;
  const descriptor = {
    value: watched,
    configurable: true,
    writable: true,
    enumerable: Object.hasOwn(transport, 'send'),
  };
  if (Reflect.defineProperty(transport, 'send', descriptor)) wrapped.add(transport);
}

/** Notes the id of a request, and gives it the trace context. Notifications and answers pass as they are. */
function prepare(operation: RunningOperation, message: unknown): unknown {
  const method = peek(message, 'method');
  const id = peek(message, 'id');
  if (typeof method !== 'string' || id === undefined) return message;
  operation.sent({ request_id: String(id), method });
  const params = peek(message, 'params');
  if (method === 'initialize') operation.connection.sawInitializeParams(params);
  const carrier = traceFields(operation);
  if (carrier === undefined) return message;
  const meta = peek(params, '_meta');
  // What the caller set in `_meta` wins, and params of another shape than an object are none of our business.
  if (params !== undefined && (typeof params !== 'object' || params === null)) return message;
  return {
    ...(message as object),
    params: { ...params, _meta: { ...carrier, ...(meta as object | undefined) } },
  };
}

function traceFields(operation: RunningOperation): Record<string, string> | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(operation.context, carrier);
  const mayCarryBaggage = operation.source.settings.allowBaggage(operation.connection.serverAddress);
  if (!mayCarryBaggage) delete carrier['baggage'];
  return Object.keys(carrier).length === 0 ? undefined : carrier;
}
