import { TrustedProxies } from '../../lib/callers.js';
import type { RecordSettings } from '../../lib/config.js';
import { LogOrigin } from '../../lib/origin.js';
import type { OperationDetail } from '../../lib/processor/operation.js';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const SPAN_ID = 'b7ad6b7169203331';
/** 2026-01-31T12:00:00.250Z */
const STARTED = Date.UTC(2026, 0, 31, 12, 0, 0, 250);

/** The settings of a log without options. */
export const SETTINGS: RecordSettings = {
  environment: 'test',
  component: 'mcp-client',
  serverComponent: 'mcp-server',
  actorType: 'agent',
  policyTags: [],
  recordMeta: [],
  recordHeaders: [],
  proxies: new TrustedProxies('trustedProxies', []),
  forwardingHeader: 'x-forwarded-for',
  sensitivity: 'SENSITIVITY_INTERNAL',
  profile: 'documented',
  includeOutputs: false,
  origin: new LogOrigin('mcp-client'),
  serverOrigin: new LogOrigin('mcp-server'),
};

/** A call of a tool that succeeded, as the capture side describes it. */
export function detailOfCall(changes: Partial<OperationDetail> = {}): OperationDetail {
  return {
    method: 'tools/call',
    event: { documented: 'EVENT_TOOL_INVOCATION', '0.2': 'EVENT_TOOL_LIST' },
    resource: 'tools/echo',
    summary: 'Called tool echo',
    subject: { toolName: 'echo', arguments: { message: 'hello' } },
    connection: { connectionId: 'connection-1' },
    startTime: STARTED,
    trace: { context: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 } },
    ending: { outcome: 'OUTCOME_SUCCESS', durationMs: 1.25 },
    legs: [{ request_id: '3', method: 'tools/call' }],
    recorders: [],
    states: [],
    ...changes,
  };
}
