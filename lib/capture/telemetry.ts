import {
  createNoopMeter,
  SpanKind,
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
} from '@opentelemetry/api';
import type { RefusalReason } from '../errors.js';
import type { Subject } from '../operations/operation.js';
import type { Redactor } from '../redaction/createRedactor.js';
import type { RecordError } from '../schema/record.js';
import type { Connection, OperationUnderWay } from './connection.js';
import { globalMeter, type SpanSource } from './tracing.js';

/** The attributes of a span from its start, where a sampler can see them (OpenTelemetry's conventions for MCP). */
export function startAttributes(
  operation: Pick<OperationUnderWay, 'method' | 'subject' | 'connection' | 'source' | 'caller'>,
): Attributes {
  const { method, subject, connection, source, caller } = operation;
  const redactor = source.settings.redactor();
  const attributes = addPeer(targetAttributes(method, subject, redactor), connection);
  if (subject.uri !== undefined) attributes[ATTR.mcpResourceUri] = redactor.uri(subject.uri);
  const client = caller?.peer;
  if (client !== undefined) {
    attributes[ATTR.clientAddress] = client.address;
    if (client.port !== undefined) attributes[ATTR.clientPort] = client.port;
  }
  return attributes;
}

/** The attributes of what is called. Their values are few, so that metrics can have them too. */
function targetAttributes(method: string, subject: Subject, redactor: Redactor): Attributes {
  const attributes: Attributes = { [ATTR.mcpMethodName]: method };
  if (subject.toolName !== undefined) attributes[ATTR.toolName] = shownName(subject.toolName, redactor);
  if (subject.promptName !== undefined) attributes[ATTR.promptName] = shownName(subject.promptName, redactor);
  if (method === 'tools/call') attributes[ATTR.operationName] = 'execute_tool';
  return attributes;
}

/** Redacted names by redactor, because every call asks for one of a few. */
const shownNames = new WeakMap<Redactor, Map<string, string>>();
/** At so many, all are forgotten: callers may make names up. */
const MAX_NAMES = 1_000;

/** The name of a tool or a prompt, redacted for spans and metrics: a caller may put anything into it. */
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

/** The attributes of the server that a connection is to, for spans and metrics. */
function peerAttributes(connection: Connection): Attributes {
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

/** The attributes of a connection's network, without the server's address, which is only for spans of kind CLIENT. */
function networkAttributes(connection: Connection): Attributes {
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

/** The attributes that are known only at the end. */
export function endAttributes(
  operation: OperationUnderWay,
  error: RecordError | undefined,
  result: unknown,
): Attributes {
  const { legs, connection, source, subject, method } = operation;
  const attributes: Attributes = {};
  const requestId = legs.at(-1)?.request_id;
  if (requestId !== undefined) attributes[ATTR.jsonrpcRequestId] = requestId;
  if (connection.protocolVersion !== undefined)
    attributes[ATTR.mcpProtocolVersion] = connection.protocolVersion;
  // The first request of a connection shows it, after the operation has begun.
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
function statusCodeOf({ kind, answer, ending }: OperationUnderWay): string | undefined {
  if (kind === SpanKind.CLIENT) return answer?.kind === 'error' ? answer.code : undefined;
  const code = ending?.error?.code ?? ending?.error?.type;
  return code !== undefined && /^-?\d+$/.test(code) ? code : undefined;
}

/** The conventions know `pipe` for stdio and `tcp` for everything over HTTP; in-memory transports have no network. */
function networkTransport(kind: string | undefined): string | undefined {
  if (kind === 'stdio') return 'pipe';
  return kind === 'streamable-http' || kind === 'sse' || kind === 'websocket' ? 'tcp' : undefined;
}

/** The error of an operation for spans and metrics: on the receiver's side, a fault of the sender is no error. */
export function failureOf(operation: OperationUnderWay): RecordError | undefined {
  const isCallersFault = operation.kind === SpanKind.SERVER && CALLER_FAULTS.has(statusCodeOf(operation));
  return isCallersFault ? undefined : operation.ending?.error;
}

/** One attribute for each argument of a prompt. They are redacted together, because the names of keys matter. */
function addVariables(attributes: Attributes, { settings }: SpanSource, subject: Subject): void {
  const shown = settings.redactor().value(subject.arguments);
  if (typeof shown !== 'object' || shown === null) return;
  for (const [name, value] of Object.entries(shown))
    attributes[`${ATTR.promptVariable}.${name}`] = typeof value === 'string' ? value : JSON.stringify(value);
}

function asJson(
  { source, subject, secrets, connection }: OperationUnderWay,
  value: unknown,
): string | undefined {
  if (value === undefined) return undefined;
  const known = { ...secrets, sessionId: connection.sessionId };
  return JSON.stringify(source.settings.redactor().value(value, subject.toolName, known));
}

/**
 * Attribute keys of OpenTelemetry's semantic conventions for MCP and GenAI. They are still marked as in development there,
 * so they are copied here: a released instrumentation must not change its output with a dependency's minor version.
 */
export const ATTR = {
  mcpMethodName: 'mcp.method.name',
  mcpProtocolVersion: 'mcp.protocol.version',
  mcpSessionId: 'mcp.session.id',
  mcpResourceUri: 'mcp.resource.uri',
  toolName: 'gen_ai.tool.name',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  promptName: 'gen_ai.prompt.name',
  /** The name of each argument of a prompt follows it, after a dot. */
  promptVariable: 'gen_ai.prompt.variable',
  operationName: 'gen_ai.operation.name',
  jsonrpcRequestId: 'jsonrpc.request.id',
  rpcStatusCode: 'rpc.response.status_code',
  networkTransport: 'network.transport',
  networkProtocolName: 'network.protocol.name',
  networkProtocolVersion: 'network.protocol.version',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  clientAddress: 'client.address',
  clientPort: 'client.port',
  errorType: 'error.type',
} as const;

/** The names of the metrics that those conventions define and that are reported here. */
export const METRIC = {
  clientOperationDuration: 'mcp.client.operation.duration',
  serverOperationDuration: 'mcp.server.operation.duration',
  clientSessionDuration: 'mcp.client.session.duration',
} as const;

/**
 * JSON-RPC error codes for faults of the sender of a request. They are no errors on spans and metrics of the receiver (conventions
 * for MCP, `mcp.server.status.attributes`).
 */
const CALLER_FAULTS: ReadonlySet<string | undefined> = new Set([
  '-32700',
  '-32600',
  '-32601',
  '-32602',
  '-32002',
]);

/** The bucket boundaries, in seconds, that OpenTelemetry's conventions for MCP advise for both durations. */
const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

interface Instruments {
  readonly operation: Histogram;
  /** What servers ask of the client. */
  readonly asked: Histogram;
  readonly session: Histogram;
  readonly refusals: Counter;
}

/** The API's no-op meter. Nothing is measured with it, not even attributes are made. */
const NOOP = createNoopMeter();

const instruments = new WeakMap<Meter, Instruments>();

/** `error.type` of operations that were refused before the wire. */
const REFUSALS: readonly (string | undefined)[] = [
  'actor_required',
  'tool_changed',
] satisfies RefusalReason[];

/** Reports the durations of an operation and, where it ended a session, of that session. */
export function measure(running: OperationUnderWay): void {
  const { ending, kind, source, method, connection } = running;
  if (ending === undefined || kind === SpanKind.INTERNAL || method === 'resume') return;
  const meter = meterOf(source);
  if (meter === NOOP) return;
  const instruments = instrumentsOf(meter);
  const { error, durationMs } = ending;
  if (REFUSALS.includes(error?.type)) {
    instruments.refusals.add(1, { [ATTR.mcpMethodName]: method, [ATTR.errorType]: error?.type });
    return;
  }
  // The end of a session is no message of the protocol: only the session's duration is measured.
  if (method === 'close') {
    const seconds = (performance.now() - connection.startedAt) / 1000;
    instruments.session.record(seconds, commonAttributes(running, peerAttributes(connection)));
  } else {
    const asked = kind === SpanKind.SERVER;
    const peer = asked ? networkAttributes(connection) : peerAttributes(connection);
    (asked ? instruments.asked : instruments.operation).record(durationMs / 1000, {
      ...commonAttributes(running, peer),
      ...targetAttributes(method, running.subject, source.settings.redactor()),
    });
  }
}

function commonAttributes(running: OperationUnderWay, peer: Attributes): Attributes {
  const { protocolVersion } = running.connection;
  const error = failureOf(running);
  const code = statusCodeOf(running);
  return {
    ...peer,
    ...(protocolVersion !== undefined && { [ATTR.mcpProtocolVersion]: protocolVersion }),
    ...(error !== undefined && { [ATTR.errorType]: error.type }),
    ...(code !== undefined && { [ATTR.rpcStatusCode]: code }),
  };
}

function meterOf(source: SpanSource): Meter {
  const meter = source.meter();
  // An instrumentation that was made before a MeterProvider was registered has a meter that reports nothing.
  return meter === NOOP ? globalMeter() : meter;
}

function instrumentsOf(meter: Meter): Instruments {
  let made = instruments.get(meter);
  if (made === undefined) {
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    made = {
      operation: meter.createHistogram(METRIC.clientOperationDuration, {
        unit: 's',
        description: 'How long an MCP request took, from sending to its response',
        advice,
      }),
      asked: meter.createHistogram(METRIC.serverOperationDuration, {
        unit: 's',
        description: 'How long a request of the server took, from its arrival to the answer',
        advice,
      }),
      session: meter.createHistogram(METRIC.clientSessionDuration, {
        unit: 's',
        description: 'How long an MCP session lasted',
        advice,
      }),
      refusals: meter.createCounter('mcp_log.refusals', {
        unit: '{operation}',
        description: 'Operations that requireActor or onToolChanged refused before the wire',
      }),
    };
    instruments.set(meter, made);
  }
  return made;
}
