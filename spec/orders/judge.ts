import type { AuditRecord } from '../../lib/schema/record.js';

/** What one run printed. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Seen {
  readonly records: readonly AuditRecord[];
  /** What the exporter of the tool beside us got. */
  readonly spans: readonly { readonly traceId: string; readonly spanId: string }[];
  /** The trace that the application's own span around the call is in. */
  readonly userTrace: string;
  /** The `_meta` of the call, as the server got it. */
  readonly wire: readonly { readonly traceparent?: string }[];
}

/** What is wrong with a run, in one line; undefined where nothing is. */
export function faultOf({ code, stdout, stderr }: Run, exportsOurs: boolean): string | undefined {
  if (code !== 0) return `exit ${code}: ${firstLine(stderr)}`;
  if (stderr.trim() !== '') return `stderr: ${firstLine(stderr)}`;
  let seen: Seen;
  try {
    seen = JSON.parse(stdout) as Seen;
  } catch {
    return `stdout: ${firstLine(stdout)}`;
  }
  return faultIn(seen, exportsOurs);
}

function faultIn({ records, spans, userTrace, wire }: Seen, exportsOurs: boolean): string | undefined {
  // What the log says of itself has no trace of the user's.
  const operations = records.filter(({ resource }) => !resource.startsWith('audit/'));
  const resources = operations.map(({ resource }) => resource).join(', ');
  if (resources !== 'session/initialize, tools/echo, session/close') return `records: ${resources}`;
  const call = operations[1]!;
  if (call.trace_id !== userTrace) return `the record has trace ${call.trace_id}, the user ${userTrace}`;
  const [, traceId, spanId] = wire[0]?.traceparent?.split('-') ?? [];
  if (traceId !== userTrace) return `the wire has trace ${traceId ?? 'none'}, the user ${userTrace}`;
  if (spanId !== call.span_id) return `the wire has span ${spanId}, the record ${call.span_id}`;
  const isExported = spans.some((span) => span.spanId === call.span_id && span.traceId === call.trace_id);
  return exportsOurs && !isExported ? 'the span of the call was not exported' : undefined;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 200) ?? '';
}
