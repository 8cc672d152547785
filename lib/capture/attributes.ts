import type { Attributes } from '@opentelemetry/api';
import type { Redactor } from '../redaction/redactor.js';
import type { Subject } from '../operations/operation.js';
import type { RecordError } from '../schema/record.js';
import type { Connection } from './connection.js';
import type { RunningOperation } from './running.js';
import { ATTR } from './semconv.js';
import type { SpanSource } from './source.js';

/** What a span carries from its start, so that a sampler can see it (OpenTelemetry's conventions for MCP). */
export function startAttributes(
  operation: Pick<RunningOperation, 'method' | 'subject' | 'connection' | 'source'>,
): Attributes {
  const { method, subject, connection, source } = operation;
  const redactor = source.settings.redactor();
  const attributes = addPeer(targetAttributes(method, subject, redactor), connection);
  if (subject.uri !== undefined) attributes[ATTR.mcpResourceUri] = redactor.uri(subject.uri);
  return attributes;
}

/** What is called, by names that are few: spans and metrics share them. */
export function targetAttributes(method: string, subject: Subject, redactor: Redactor): Attributes {
  const attributes: Attributes = { [ATTR.mcpMethodName]: method };
  if (subject.toolName !== undefined) attributes[ATTR.toolName] = shownName(subject.toolName, redactor);
  if (subject.promptName !== undefined) attributes[ATTR.promptName] = shownName(subject.promptName, redactor);
  if (method === 'tools/call') attributes[ATTR.operationName] = 'execute_tool';
  return attributes;
}

/** Names that have been shown, by redactor: few, and asked for with every call. */
const shownNames = new WeakMap<Redactor, Map<string, string>>();
/** When so many are known, all are forgotten: callers may make names up. */
const MAX_NAMES = 1_000;

/** The name of a tool or a prompt as spans and metrics show it: whoever calls one may have put anything into it. */
export function shownName(name: string, redactor: Redactor): string {
  let known = shownNames.get(redactor);
  if (known === undefined) shownNames.set(redactor, (known = new Map()));
  let shown = known.get(name);
  if (shown === undefined) {
    shown = redactor.text(name);
    if (known.size >= MAX_NAMES) known.clear();
    known.set(name, shown);
  }
  return shown;
}

/** Whom a connection is to: spans and metrics share them. */
export function peerAttributes(connection: Connection): Attributes {
  return addPeer({}, connection);
}

function addPeer(attributes: Attributes, connection: Connection): Attributes {
  const peer = connection.hostAndPort;
  if (peer !== undefined) {
    attributes[ATTR.serverAddress] = peer.host;
    attributes[ATTR.serverPort] = peer.port;
  }
  const transport = networkTransport(connection.transport);
  if (transport !== undefined) attributes[ATTR.networkTransport] = transport;
  return attributes;
}

/** What is known only at the end. */
export function endAttributes(
  operation: RunningOperation,
  error: RecordError | undefined,
  result: unknown,
): Attributes {
  const { legs, connection, source, subject, method } = operation;
  const attributes: Attributes = {};
  const requestId = legs.at(-1)?.request_id;
  if (requestId !== undefined) attributes[ATTR.jsonrpcRequestId] = requestId;
  if (connection.protocolVersion !== undefined)
    attributes[ATTR.mcpProtocolVersion] = connection.protocolVersion;
  if (connection.sessionId !== undefined) attributes[ATTR.mcpSessionId] = connection.sessionId;
  if (error !== undefined) {
    attributes[ATTR.errorType] = error.type;
    if (error.code !== undefined) attributes[ATTR.rpcStatusCode] = error.code;
  }
  if (method === 'tools/call') {
    if (source.settings.recordInputs())
      attributes[ATTR.toolArguments] = asJson(source, subject.arguments, subject.toolName);
    if (source.settings.recordOutputs())
      attributes[ATTR.toolResult] = asJson(source, result, subject.toolName);
  }
  return attributes;
}

/** The conventions know `pipe` for stdio and `tcp` for everything over HTTP; in-memory transports have no network. */
function networkTransport(kind: string | undefined): string | undefined {
  if (kind === 'stdio') return 'pipe';
  return kind === 'streamable-http' || kind === 'sse' || kind === 'websocket' ? 'tcp' : undefined;
}

function asJson({ settings }: SpanSource, value: unknown, toolName?: string): string | undefined {
  return value === undefined ? undefined : JSON.stringify(settings.redactor().value(value, toolName));
}
