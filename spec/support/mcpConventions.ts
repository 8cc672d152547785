/**
 * What OpenTelemetry's semantic conventions for MCP define: copied by hand from `model/mcp/common.yaml`, `spans.yaml` and
 * `metrics.yaml` of open-telemetry/semantic-conventions-genai at commit 0e5e6a8d (rules for status codes: pull request 404),
 * read on 2026-11-29. They are marked as in development: when they change, this copy is what has to be compared.
 */

/** Attributes of all spans and of both metrics of operations. */
const COMMON = [
  'mcp.method.name',
  'mcp.protocol.version',
  'gen_ai.tool.name',
  'gen_ai.operation.name',
  'gen_ai.prompt.name',
  'error.type',
  'rpc.response.status_code',
  'network.transport',
  'network.protocol.name',
  'network.protocol.version',
  'jsonrpc.protocol.version',
];
const SPAN = [
  ...COMMON,
  'mcp.session.id',
  'mcp.resource.uri',
  'jsonrpc.request.id',
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.call.result',
  // One attribute for each variable: `gen_ai.prompt.variable.<name>`.
  'gen_ai.prompt.variable',
];
const SERVER_PEER = ['server.address', 'server.port'];

export const CONVENTIONS = {
  clientSpan: [...SPAN, ...SERVER_PEER],
  serverSpan: [...SPAN, 'client.address', 'client.port'],
  'mcp.client.operation.duration': [...COMMON, 'mcp.resource.uri', ...SERVER_PEER],
  'mcp.server.operation.duration': [...COMMON, 'mcp.resource.uri'],
  'mcp.client.session.duration': [
    ...['mcp.protocol.version', 'error.type', 'jsonrpc.protocol.version', ...SERVER_PEER],
    ...['network.transport', 'network.protocol.name', 'network.protocol.version'],
  ],
} as const;

/** Codes that are no errors on the side that received the request. */
export const NO_ERRORS_OF_THE_RECEIVER = [-32700, -32600, -32601, -32602, -32002];

/** Bucket boundaries of all durations, in seconds. */
export const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** What is defined and not reported here, and why. */
export const NOT_REPORTED: Readonly<Record<string, string>> = {
  'jsonrpc.protocol.version': 'only where it is not 2.0, and the SDKs speak nothing else',
};
