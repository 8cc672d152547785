import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { Redactor } from '../redaction/createRedactor.js';
import type { Subject } from '../operations/operation.js';
import type { RecordError } from '../schema/record.js';
import type { Connection } from './connection.js';
import type { RunningOperation } from './running.js';
import { ATTR, CALLER_FAULTS } from './semconv.js';
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
  return addNetwork(attributes, connection);
}

/** By what a connection goes; whom it is to is told on the client's side alone. */
export function networkAttributes(connection: Connection): Attributes {
  return addNetwork({}, connection);
}

function addNetwork(attributes: Attributes, connection: Connection): Attributes {
  const { transport: kind, httpVersion } = connection;
  const transport = networkTransport(kind);
  if (transport !== undefined) attributes[ATTR.networkTransport] = transport;
  if (transport !== 'tcp') return attributes;
  attributes[ATTR.networkProtocolName] = kind === 'websocket' ? 'websocket' : 'http';
  if (kind !== 'websocket' && httpVersion !== undefined)
    attributes[ATTR.networkProtocolVersion] = httpVersion;
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
  // The first request of a connection shows it, and so not before the operation has begun.
  if (connection.negotiatedHttp !== undefined)
    attributes[ATTR.networkProtocolVersion] = connection.negotiatedHttp;
  const { sessionId } = connection;
  if (sessionId !== undefined)
    attributes[ATTR.mcpSessionId] = source.settings.redactor().sessionId(sessionId);
  const code = statusCodeOf(operation);
  if (code !== undefined) attributes[ATTR.rpcStatusCode] = code;
  if (error !== undefined) attributes[ATTR.errorType] = error.type;
  if (method === 'prompts/get' && source.settings.recordInputs()) addVariables(attributes, source, subject);
  if (method === 'tools/call') {
    if (source.settings.recordInputs()) attributes[ATTR.toolArguments] = asJson(operation, subject.arguments);
    if (source.settings.recordOutputs()) attributes[ATTR.toolResult] = asJson(operation, result);
  }
  return attributes;
}

/** The code of the JSON-RPC error that went over the wire: the server's, or the client's where the server had asked. */
export function statusCodeOf({ kind, answer, ending }: RunningOperation): string | undefined {
  if (kind === SpanKind.CLIENT) return answer?.kind === 'error' ? answer.code : undefined;
  const code = ending?.error?.code ?? ending?.error?.type;
  return code !== undefined && /^-?\d+$/.test(code) ? code : undefined;
}

/** The conventions know `pipe` for stdio and `tcp` for everything over HTTP; in-memory transports have no network. */
function networkTransport(kind: string | undefined): string | undefined {
  if (kind === 'stdio') return 'pipe';
  return kind === 'streamable-http' || kind === 'sse' || kind === 'websocket' ? 'tcp' : undefined;
}

/** The error of an operation as spans and metrics count it: the receiver of a request answers for its own failures alone. */
export function failureOf(operation: RunningOperation): RecordError | undefined {
  const isCallersFault = operation.kind === SpanKind.SERVER && CALLER_FAULTS.has(statusCodeOf(operation));
  return isCallersFault ? undefined : operation.ending?.error;
}

/** One attribute for each argument of a prompt, redacted together, so that a key's name counts. */
function addVariables(attributes: Attributes, { settings }: SpanSource, subject: Subject): void {
  const shown = settings.redactor().value(subject.arguments);
  if (typeof shown !== 'object' || shown === null) return;
  for (const [name, value] of Object.entries(shown))
    attributes[`${ATTR.promptVariable}.${name}`] = typeof value === 'string' ? value : JSON.stringify(value);
}

function asJson(
  { source, subject, secrets, connection }: RunningOperation,
  value: unknown,
): string | undefined {
  if (value === undefined) return undefined;
  const known = { ...secrets, sessionId: connection.sessionId };
  return JSON.stringify(source.settings.redactor().value(value, subject.toolName, known));
}
