import { hidesItsClient, identityOf, type McpClientLike } from './capture/client.js';
import { className, isClient, methodsOf, patchClass, patchTarget, sdkOf } from './capture/patch.js';
import { servingOf } from './capture/server.js';
import { COPY } from './capture/tracing.js';
import { stateOf } from './capture/state.js';
import { resolveOptions, type AuditOptions } from './config.js';
import { ConfigError } from './errors.js';
import { notePatched } from './processor/logRecords.js';
import { createAuditLog, handleOf, type AuditLogHandle } from './processor/auditLog.js';
import { enlistClaiming } from './processor/recorders.js';
import { shared } from './internal/shared.js';
import { reject } from './internal/options.js';

/** Holds the patch of every class that a wrapped client is of: one for all, since a class may have many clients. */
const WRAPPED = { copy: COPY };

/** The logs of wrapped clients, for as long as the clients live. */
const logs = shared('logs', () => new WeakMap<object, AuditLogHandle>());

/**
 * Writes every operation of one client, or of one server, to an audit log, before or after it connects. Gives back the very same object,
 * so that its type, its identity and its behaviour are what they were, and no unlogged reference remains. Needs no
 * OpenTelemetry set-up; where a tracer provider is registered, the operations take part in its traces.
 *
 * From then on the client's records go to these sinks alone, also where it is instrumented besides: one operation, one
 * record. Wrapping it again replaces the options. {@link auditLogOf} flushes the log and shuts it down, its sinks included.
 *
 * @returns The client that was given.
 * A Proxy around the client, or an object that inherits from it, may be given in its place: calls through either are on record.
 *
 * Of an `McpServer` or a `Server`, the requests of its clients are on record, and what it asks of them (docs/servers.md).
 *
 * @throws ConfigError when an option cannot work, and for anything else than a client or a server of the MCP SDK or a client of the AI SDK:
 * another library's client, or a Proxy that hides the client behind it.
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
  const target = requireSdkClient(client);
  // An McpServer holds the server that its requests go to, and both are patched.
  const inner = servingOf(client);
  const log = createAuditLog(resolveOptions(options), inner === undefined ? 'clients' : 'servers');
  const innerTarget = inner === undefined ? undefined : patchTarget(inner);
  for (const each of new Set([target, innerTarget ?? target])) {
    patchClass(each, WRAPPED);
    notePatched({ how: 'withLogging', class: className(each), sdk: sdkOf(each), methods: methodsOf(each) });
  }
  stateOf(inner ?? client).claimedBy = log.recording;
  enlistClaiming(log.recording);
  logs.set(identityOf(inner ?? client), handleOf(log));
  return client;
}

/**
 * The audit log of a client or a server that {@link withLogging} wrapped: to flush it, to shut it down, to read its numbers, or to have it
 * follow the process to its end. Clients that were wrapped with the same sinks share one log. Undefined for any other client.
 *
 * @example
 * ```ts
 * const log = auditLogOf(client);
 * log?.followProcess({ signals: ['SIGTERM'] });
 * ```
 */
export function auditLogOf(client: McpClientLike): AuditLogHandle | undefined {
  return logs.get(identityOf(servingOf(client) ?? client));
}

/** The class of a client, where calls through this object are sure to be seen. */
function requireSdkClient(client: unknown): object {
  if (typeof client !== 'object' || client === null) reject('client', client, EXPECTED);
  const target = patchTarget(client);
  if (target === undefined || (!isClient(client) && servingOf(client) === undefined))
    reject('client', client, EXPECTED);
  if (hidesItsClient(client))
    throw new ConfigError('client', `got a Proxy that hides its client, expected ${EXPECTED}`);
  return target;
}

const EXPECTED =
  "a Client, Server or McpServer of @modelcontextprotocol/sdk, @modelcontextprotocol/client or @modelcontextprotocol/server, or a client of @ai-sdk/mcp; where another library's client holds one, give that one";
