import { printable } from '../../internal/text.js';
import type { AuditRecord } from '../../schema/record.js';
import { ExitCode, usageFailure, type Reading, type CommandIo } from '../shared/command.js';
import { keyFiles } from '../integrity/judgement.js';
import { openLogs, type LogInput } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { isAboutLog, isIntent } from '../input/records.js';
import { withKeys, type KeyOptions } from '../input/unlocked.js';
import { Output } from '../term/output.js';
import { palette, type Palette } from '../term/terminal.js';
import { details, outcomeCell } from '../formats/table.js';
import { duration, plural } from '../term/units.js';
import { compileFilter } from './filter.js';
import { select } from './select.js';

/** A record of a trace, with the records that happened within it. */
export interface TraceNode {
  readonly record: AuditRecord;
  /** The file that the record was read from. */
  readonly file: string;
  readonly children: TraceNode[];
}

/** Deeper levels are shown by their number, because their lines would be too long. */
const DRAWN_DEPTH = 32;
/** The most records of a trace that are shown: a larger tree cannot be read. */
const MOST = 50_000;

/**
 * Puts the records of one trace into a tree by their span ids. A record is a root if its parent span is in no record: the parent
 * is the span of a caller, or of a process whose log was not given. Siblings are ordered by time.
 */
export function buildTree(found: readonly { record: AuditRecord; file: string }[]): TraceNode[] {
  const nodes = found.map((item): TraceNode => ({ ...item, children: [] })).sort(byTime);
  const bySpan = new Map<string, TraceNode>();
  for (const node of nodes) if (!bySpan.has(node.record.span_id)) bySpan.set(node.record.span_id, node);
  const parents = new Map<TraceNode, TraceNode>();
  for (const node of nodes) {
    // A second record of the same span, such as its intent, goes below the first.
    const first = bySpan.get(node.record.span_id);
    const parent = first === node ? bySpan.get(node.record.parent_span_id ?? '') : first;
    if (parent !== undefined) parents.set(node, parent);
  }
  openRings(nodes, parents);
  const roots: TraceNode[] = [];
  for (const node of nodes) (parents.get(node)?.children ?? roots).push(node);
  return roots;
}

function byTime({ record: a }: TraceNode, { record: b }: TraceNode): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.seq - b.seq;
}

/** Hostile ids may name each other as parents. The first node of such a ring becomes a root. Visits each node once. */
function openRings(nodes: readonly TraceNode[], parents: Map<TraceNode, TraceNode>): void {
  const walkOf = new Map<TraceNode, number>();
  for (const [walk, start] of nodes.entries()) {
    let at: TraceNode | undefined = start;
    while (at !== undefined && !walkOf.has(at)) {
      walkOf.set(at, walk);
      at = parents.get(at);
    }
    if (at !== undefined && walkOf.get(at) === walk) parents.delete(at);
  }
}

/** `query --follow-trace`: prints the tree of one trace. */
export async function followTrace(
  id: string,
  operands: readonly string[],
  options: KeyOptions & { json?: boolean; details?: boolean; output?: string; vkey?: readonly string[] },
  io: CommandIo,
  reading: Reading,
): Promise<number> {
  if (!/^[0-9a-f]{1,32}$/i.test(id))
    throw usageFailure('--follow-trace takes a trace id: up to 32 hex digits');
  const wanted = id.length === 32 ? id.toLowerCase() : `${id.toLowerCase()}*`;
  const problems = new Problems(io, options.json);
  const logs = withKeys(await openLogs(operands, io, problems), options, problems);
  const found: { record: AuditRecord; file: string }[] = [];
  const filter = compileFilter({ trace: [wanted] });
  await select(logs, (record, _data, _start, _end, { file }) => void found.push({ record, file }), {
    io,
    problems,
    filter,
    limit: MOST,
    reading,
    label: 'reading',
  });
  const begins = id.toLowerCase();
  const traces = new Set(
    found.map(({ record }) => (record.trace_id.startsWith(begins) ? record.trace_id : record.correlation_id)),
  );
  if (traces.size > 1)
    throw usageFailure(`--follow-trace fits ${traces.size} traces`, 'Give more of its digits.');

  const output = await Output.to(options.output, [...operands, ...keyFiles(options.vkey)], io);
  const roots = buildTree(found);
  const operations = found.filter(({ record }) => !isAboutLog(record) && !isIntent(record));
  const notes = operations.length === 1 ? await whyAlone(operations[0]!.record, logs, io) : [];
  if (options.json === true)
    output.text(
      `${JSON.stringify({ trace_id: [...traces][0], roots, ...(notes.length > 0 && { notes }) })}\n`,
    );
  else {
    const files = new Set(found.map(({ file }) => file)).size;
    output.text(drawTrace(roots, found, { files, io, ...options }));
    for (const note of notes) output.text(`${printable(note)}\n`);
  }
  await output.end();
  problems.conclude();
  return problems.exitCode(found.length === 0 ? ExitCode.finding : ExitCode.ok);
}

/** Where the way to continue a trace in a server is described. */
const RECIPE = 'docs/capture.md#traces-across-servers';

/** Why no other record is in the trace of this one, as far as the logs show it: one sentence for each reason. */
async function whyAlone(record: AuditRecord, logs: readonly LogInput[], io: CommandIo): Promise<string[]> {
  const { mcp, error, parent_span_id: parent, server_id } = record;
  const server = server_id ?? mcp?.server_address ?? 'the server';
  const notes: string[] = [];
  if (parent !== undefined)
    notes.push(
      `Only this record: its parent span ${parent} is in no record of these logs. It is the span of an application, or of a process whose log is not among the ${plural(logs.length, 'log')} given.`,
    );
  if (mcp === undefined || mcp.method === 'close') return notes;
  if (mcp.served_from === 'cache' || mcp.served_from === 'local')
    return [
      ...notes,
      `Only this record: the client answered by itself (${mcp.served_from}), and nothing was sent.`,
    ];
  if (mcp.answer === undefined && error !== undefined)
    notes.push(`No answer came (${error.type}): the request may never have reached ${server}.`);
  if (await sendsNoTrace(record, logs, io))
    notes.push(
      `The log of this process says that it sends the trace to no server, or to some only (propagate): ${server} may not have learned of it.`,
    );
  notes.push(
    `Only this record: ${server} made no audited call in this trace, or its log is not among the ${plural(logs.length, 'log')} given, or it does not continue the trace that requests bring (${RECIPE}).`,
  );
  return notes;
}

/** Whether the last start of the log before a record says that requests do not all carry the trace. */
async function sendsNoTrace(
  { component, seq }: AuditRecord,
  logs: readonly LogInput[],
  io: CommandIo,
): Promise<boolean> {
  let last: { readonly seq: number; readonly propagate: unknown } | undefined;
  const problems = new Problems(io, false, true);
  const filter = compileFilter({ resource: ['audit/start'], component: [component] });
  const take = (start: AuditRecord) => {
    const isNewer = start.seq < seq && (last === undefined || start.seq >= last.seq);
    const { policy } = (start.data ?? {}) as { readonly policy?: { readonly propagate?: unknown } };
    if (isNewer) last = { seq: start.seq, propagate: policy?.propagate };
  };
  await select(logs, take, { io, problems, filter, label: 'reading' });
  return last !== undefined && last.propagate !== undefined && last.propagate !== true;
}

function drawTrace(
  roots: readonly TraceNode[],
  found: readonly { record: AuditRecord }[],
  { files, io, details: detailed = false }: { files: number; io: CommandIo; details?: boolean },
): string {
  const style = palette(io.stdout, io.env);
  const first = roots[0];
  if (first === undefined) return 'No record of this trace is in these logs.\n';
  // A caller's record is written after the records within it, and clocks of hosts differ, so the earliest time is searched for.
  const began = found.reduce(
    (least, { record }) => (record.time < least ? record.time : least),
    first.record.time,
  );
  const head = `${style.bold('trace')} ${printable(first.record.trace_id)}  ${plural(found.length, 'record')} in ${plural(files, 'file')}, from ${began}\n`;
  return head + drawAll(roots, '', { style, detailed, origin: Date.parse(began) });
}

interface Drawing {
  readonly style: Palette;
  readonly detailed: boolean;
  /** When the trace began, in milliseconds since the epoch. */
  readonly origin: number;
}

/** Draws with a stack of its own, because a trace may be deeper than the engine's stack. */
function drawAll(roots: readonly TraceNode[], indent: string, drawing: Drawing): string {
  const lines: string[] = [];
  const stack = [...roots].reverse().map((node, index) => ({ node, indent, last: index === 0, depth: 0 }));
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { node } = item;
    const { depth } = item;
    const deep = depth > DRAWN_DEPTH ? `(${depth}) ` : '';
    const branch = `${item.indent}${deep}${item.last ? '└─ ' : '├─ '}`;
    const below = depth < DRAWN_DEPTH ? `${item.indent}${item.last ? '   ' : '│  '}` : item.indent;
    const orphan = depth === 0 && node.record.parent_span_id !== undefined;
    lines.push(drawNode(node, branch, orphan, drawing));
    if (drawing.detailed) lines.push(details(node.record, drawing.style).replace(/^ {4}/gm, `${below}   `));
    [...node.children].reverse().forEach((child, index) => {
      stack.push({ node: child, indent: below, last: index === 0, depth: depth + 1 });
    });
  }
  return lines.join('');
}

function drawNode(
  { record, file }: TraceNode,
  branch: string,
  orphan: boolean,
  { style, origin }: Drawing,
): string {
  const after = Date.parse(record.time) - origin;
  const error = record.error === undefined ? '' : style.red(` ${printable(record.error.type)}`);
  const stage = record.stage === undefined ? '' : style.dim(` [${printable(record.stage)}]`);
  const who = `${printable(record.actor_id)}${record.server_id === undefined ? '' : ` → ${printable(record.server_id)}`}`;
  const note = orphan ? style.dim(' (its parent span is in no record here)') : '';
  return `${style.dim(branch)}${outcomeCell(record.outcome, style)} ${style.bold(printable(record.resource))}${stage}${error}  ${duration(record.duration_ms)}  ${style.dim(`+${duration(after)}  ${who}  ${printable(file)}`)}${note}\n`;
}
