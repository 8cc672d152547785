import { SpanKind, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import { operationFor } from '../operations/table.js';
import type { RecordError } from '../schema/record.js';
import { shared } from '../shared.js';
import type { Ending, OperationDetail } from './detail.js';
import type { OperationRecorder } from './recorder.js';
import type { FinishedSpan } from './span.js';

const covered = shared('covered', () => new WeakMap<object, string>());

/** Notes that an operation of ours ran inside this span: if the span describes the same call, one record is enough. */
export function coverSpan(span: object, method: string): void {
  covered.set(span, method);
}

/** The operation that another MCP instrumentation described with a client span, if this is one. */
export function foreignOperation(
  span: FinishedSpan,
  recorder: OperationRecorder,
): OperationDetail | undefined {
  const method = text(span, 'mcp.method.name');
  if (method === undefined || span.kind !== SpanKind.CLIENT || covered.get(span) === method) return undefined;
  const operation = operationFor(method);
  const subject = {
    toolName: text(span, 'gen_ai.tool.name'),
    promptName: text(span, 'gen_ai.prompt.name'),
    uri: text(span, 'mcp.resource.uri'),
    arguments: parsed(text(span, 'gen_ai.tool.call.arguments')),
  };
  const sessionId = text(span, 'mcp.session.id');
  const requestId = text(span, 'jsonrpc.request.id');
  return {
    method,
    event: operation.event,
    resource: operation.resource(subject),
    summary: operation.summary(subject),
    subject,
    connection: {
      connectionId: sessionId ?? span.spanContext().traceId,
      sessionId,
      protocolVersion: text(span, 'mcp.protocol.version'),
      serverAddress: text(span, 'server.address'),
    },
    startTime: milliseconds(span.startTime),
    trace: { context: span.spanContext(), parentSpanId: span.parentSpanContext?.spanId },
    ending: endingOf(span),
    legs: requestId === undefined ? [] : [{ request_id: requestId, method }],
    recorders: [recorder],
    ledger: new Map(),
  };
}

function endingOf(span: FinishedSpan): Ending {
  const durationMs = Math.round(milliseconds(span.duration) * 1000) / 1000;
  const type = text(span, 'error.type');
  if (type === undefined && span.status.code !== SpanStatusCode.ERROR)
    return { outcome: 'OUTCOME_SUCCESS', durationMs };
  const code = text(span, 'rpc.response.status_code');
  const error: RecordError = {
    type: type ?? '_OTHER',
    ...(code !== undefined && { code }),
    ...(span.status.message !== undefined && { message: span.status.message }),
  };
  if (type === '401') return { outcome: 'OUTCOME_FAILURE_UNAUTHORIZED', error, durationMs };
  if (type === '403') return { outcome: 'OUTCOME_FAILURE_DENIED', error, durationMs };
  return { outcome: 'OUTCOME_FAILURE_ERROR', error, durationMs };
}

function milliseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

function text(span: FinishedSpan, key: string): string | undefined {
  const value = span.attributes[key];
  return value === undefined || value === '' ? undefined : String(value);
}

function parsed(json: string | undefined): unknown {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
