import {
  endingSpanOf,
  type ConnectionFacts,
  type FinishedSpan,
  type OperationDetail,
} from '../../lib/processor/operation.js';
import { liveRecorders } from '../../lib/processor/recorders.js';

const CONNECTION: ConnectionFacts = {
  connectionId: '5f0c2c0e-9a43-4c6e-8a55-0b6f2c1a7d10',
  clientName: 'benchmark',
  clientVersion: '1.0.0',
  serverName: 'benchmark',
  serverVersion: '1.0.0',
  protocolVersion: '2025-11-25',
  transport: 'stdio',
  serverAddress: 'node server.mjs',
};

/** An operation that has just ended, and its span: what a span processor is given. */
export interface Ended {
  readonly detail: OperationDetail;
  readonly span: FinishedSpan;
}

let made = 0;

/** A call of a tool as the capture side describes it once it has ended, for whoever records at that time. */
export function endedCall(args: unknown, index = 0): Ended {
  const id = (++made).toString(16).padStart(16, '0');
  const context = { traceId: `4bf92f3577b34da6${id}`, spanId: id, traceFlags: 1 };
  const detail: OperationDetail = {
    method: 'tools/call',
    event: { documented: 'EVENT_TOOL_INVOCATION', '0.2': 'EVENT_TOOL_INVOCATION' },
    resource: 'tools/echo',
    summary: 'Called tool echo',
    subject: { toolName: 'echo', arguments: args },
    connection: CONNECTION,
    startTime: Date.now(),
    trace: { context },
    ending: { outcome: 'OUTCOME_SUCCESS', durationMs: 1.25 },
    legs: [{ request_id: String(index), method: 'tools/call' }],
    recorders: liveRecorders(),
    states: [],
  };
  const span = { spanContext: () => context } as FinishedSpan;
  return { detail, span };
}

/** Tells a processor that the span of an operation has ended, as the capture side does. */
export function end(processor: { onEnd(span: FinishedSpan): void }, { detail, span }: Ended): void {
  endingSpanOf(detail, () => processor.onEnd(span));
}
