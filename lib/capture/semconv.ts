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
  errorType: 'error.type',
} as const;

/** The names of the metrics that those conventions define and that are reported here. */
export const METRIC = {
  clientOperationDuration: 'mcp.client.operation.duration',
  serverOperationDuration: 'mcp.server.operation.duration',
  clientSessionDuration: 'mcp.client.session.duration',
} as const;

/**
 * JSON-RPC error codes by which the receiver of a request says that it could not be served as it was: a failure of whoever sent
 * it, and so no error on a span or a metric of the receiver (conventions for MCP, `mcp.server.status.attributes`).
 */
export const CALLER_FAULTS: ReadonlySet<string | undefined> = new Set([
  '-32700',
  '-32600',
  '-32601',
  '-32602',
  '-32002',
]);
