import type { AuditRecord } from '../../lib/schema/record.js';

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

/** What a case's process left behind. */
export interface CaseOutput {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const EVENTS = ['EVENT_LOGIN', 'EVENT_TOOL_INVOCATION', 'EVENT_TOOL_INVOCATION', 'EVENT_LOGOUT'];
const RESOURCES = /^session\/\w+ tools\/list tools\/echo session\/close$/;

/** What is wrong with a case's output; undefined where every record is there, each with its span in one trace. */
export function fault({ code, stdout, stderr }: CaseOutput, clients: number): string | undefined {
  if (code !== 0) return `ended with ${code}: ${lastLine(stderr)}`;
  const lines = stdout.trim().split('\n').map(parse);
  const records = lines.filter((line): line is AuditRecord => has(line, 'record_id'));
  const spans = lines.flatMap((line) => (has(line, 'spans') ? (line.spans as Ids[]) : []));
  const traceparents = lines.filter((line) => has(line, 'traceparent')).map((line) => line.traceparent);
  const all = records.filter(({ resource }) => !resource.startsWith('audit/'));
  const served = all.filter(({ mcp }) => mcp?.side === 'server');
  const operations = all.filter((record) => !served.includes(record));
  const unserved = operations.find((record) => !served.some((other) => isServedAs(record, other)));
  if (unserved !== undefined) return `no record of the server for ${unserved.resource}`;
  if (served.length !== operations.length) return `${served.length} records of servers`;
  if (operations.length !== clients * EVENTS.length) return `${operations.length} records`;
  for (let client = 0; client < clients; client++) {
    const own = operations.slice(client * EVENTS.length, (client + 1) * EVENTS.length);
    const wrong =
      own.some(({ event_type }, index) => event_type !== EVENTS[index]) ||
      !RESOURCES.test(own.map(({ resource }) => resource).join(' '));
    if (wrong) return `records of ${own.map(({ resource }) => resource).join(', ')}`;
    const call = own[2] as AuditRecord;
    if (traceparents[client] !== `00-${call.trace_id}-${call.span_id}-01`) return 'another trace on the wire';
  }
  if (operations.some(({ outcome }) => outcome !== 'OUTCOME_SUCCESS')) return 'an outcome that is no success';
  if (served.some(({ outcome }) => outcome !== 'OUTCOME_SUCCESS')) return 'a server without success';
  const spanOf = (record: AuditRecord) => spans.filter(({ spanId }) => spanId === record.span_id);
  if (!all.every((record) => spanOf(record).length === 1)) return 'a record without its own span';
  const sameTrace = (record: AuditRecord) =>
    spanOf(record)[0]?.traceId === record.trace_id && record.trace_id === record.correlation_id;
  if (!all.every(sameTrace)) return 'a record of another trace than its span';
  return spans.length === all.length ? undefined : `${spans.length} spans`;
}

/** Whether a record of the server is of the operation of a client: its child, or the end of the same kind of session. */
function isServedAs(record: AuditRecord, other: AuditRecord): boolean {
  if (record.mcp?.method !== other.mcp?.method) return false;
  return record.mcp?.method === 'close' || other.parent_span_id === record.span_id;
}

function has<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.find((line) => /Error/.test(line)) ?? lines.at(-1) ?? '';
}
