import { SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { FinishedSpan } from './span.js';

const SCOPE = '@traceloop/instrumentation-mcp';
const REQUEST = '.mcp';
const SESSION = 'mcp.client.session';

/** Whether a span is of traceloop's MCP instrumentation, which names things otherwise than the conventions do. */
export function isTraceloop({ instrumentationScope }: FinishedSpan): boolean {
  return instrumentationScope.name === SCOPE;
}

/** The same span, with what it says under the names of the conventions as well. */
export function inConventions(span: FinishedSpan): FinishedSpan {
  const { name, kind, startTime, duration, status, links, parentSpanContext, instrumentationScope } = span;
  return {
    ...{ name, kind, startTime, duration, status, links, instrumentationScope },
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    attributes: { ...span.attributes, ...conventional(span) },
    // It is a class of the SDK, so that its members cannot be copied all at once.
    spanContext: () => span.spanContext(),
  };
}

/**
 * `echo.tool` is a tool call, `resources/read.mcp` any other request, and `mcp.client.session` lasts until the session is
 * closed. A session that ends in an error may never have been opened; the span of its `initialize` says that.
 */
function conventional({ name, attributes, status }: FinishedSpan): Attributes {
  const input = parsed(attributes['traceloop.entity.input']);
  if (attributes['traceloop.span.kind'] === 'tool') {
    const given = input['arguments'];
    return {
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': attributes['traceloop.entity.name'],
      ...(given !== undefined && { 'gen_ai.tool.call.arguments': JSON.stringify(given) }),
    };
  }
  if (name === SESSION) return status.code === SpanStatusCode.ERROR ? {} : { 'mcp.method.name': 'close' };
  if (!name.endsWith(REQUEST)) return {};
  const { uri, name: named } = input;
  return {
    'mcp.method.name': name.slice(0, -REQUEST.length),
    ...(typeof uri === 'string' && { 'mcp.resource.uri': uri }),
    ...(typeof named === 'string' && { 'gen_ai.prompt.name': named }),
  };
}

function parsed(json: unknown): Record<string, unknown> {
  if (typeof json !== 'string') return {};
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
