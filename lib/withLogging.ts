import { patchClass, patchTarget } from './capture/patch.js';
import { stateOf } from './capture/state.js';
import type { McpClientLike } from './capture/client.js';
import { resolveOptions, type AuditOptions } from './config.js';
import { createAuditLog } from './processor/auditLog.js';
import { reject } from './validate.js';

/** Holds the patch of every class that a wrapped client is of: one for all, since a class may have many clients. */
const WRAPPED = {};

/**
 * Writes every operation of one client to an audit log, before or after it connects. Gives back the very same client, so
 * that its type, its identity and its behaviour are what they were, and no unlogged reference remains. Needs no
 * OpenTelemetry set-up; where a tracer provider is registered, the operations take part in its traces.
 *
 * From then on the client's records go to these sinks alone, also where it is instrumented besides: one operation, one
 * record. Wrapping it again replaces the options. The sinks stay yours: close them when you are done.
 *
 * @returns The client that was given.
 * @throws ConfigError when an option cannot work, or when the client is none.
 *
 * @example
 * ```ts
 * const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
 *   sink: new StdoutSink(),
 *   environment: 'development',
 * });
 * await client.connect(transport);
 * ```
 */
export function withLogging<T extends McpClientLike>(client: T, options: AuditOptions): T {
  const target = typeof client === 'object' && (client as unknown) !== null ? patchTarget(client) : undefined;
  if (target === undefined) reject('client', client, 'a client of the MCP SDK (an object with callTool)');
  const { recording } = createAuditLog(resolveOptions(options));
  patchClass(target, WRAPPED);
  stateOf(client).claimedBy = recording;
  return client;
}
