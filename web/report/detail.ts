import { duration } from '../../lib/cli/term/units.js';
import { badge } from './browser.js';
import { commandBlock, idCommand, logOf, proofCommands } from './commands.js';
import { View } from './dialogs.js';
import { button, clock, copyButton, count, h, lines } from './dom.js';
import type { Row } from './records.js';
import type { State } from './state.js';

/** Fields that stand in the head, or in a block of their own. */
const APART = new Set([
  'time',
  'outcome',
  'duration_ms',
  'resource',
  'message',
  'mcp',
  'error',
  'data',
  'metadata',
  'truncated',
]);
const TRACE_LISTED = 50;

/** The view of one record. */
export function setUpDetail(state: State, rows: readonly Row[]): void {
  new View(state, 'record', (id) => {
    const row = rows.find(({ record }) => record.record_id === id);
    return row === undefined ? absent(state, id) : content(state, rows, row);
  });
}

/** A link may lead to a record that is not in the page. */
function absent({ model }: State, id: string): Node[] {
  return [
    h('h2', { id: 'record-title' }, 'This record is not in the page'),
    h(
      'p',
      { class: 'lead' },
      `The page holds ${count(model.rows.lines.length)} of ${count(model.totals.records)} records one by one. This command looks for the record ${id} in the log:`,
    ),
    commandBlock(idCommand(model, 'id', id)),
  ];
}

function content(state: State, rows: readonly Row[], row: Row): Node[] {
  const { record } = row;
  const link = () => location.href;
  const session = () => state.change({ record: undefined, session: record.session_id });
  return [
    h(
      'header',
      {},
      h(
        'p',
        { class: 'kicker' },
        badge(row),
        ` ${clock(row.time)} UTC, took ${duration(record.duration_ms)}`,
      ),
      h('h2', { id: 'record-title' }, record.resource),
      h('p', {}, record.message),
      h(
        'p',
        { class: 'actions' },
        copyButton('Copy the record', () => row.text),
        copyButton('Copy a link to it', link),
        button('soft', session, {}, 'Show its session'),
      ),
    ),
    ...blocks(record as unknown as Record<string, unknown>),
    traceBlock(state, rows, row),
    h('h3', {}, 'As it was logged'),
    h('pre', { class: 'block raw', tabindex: 0 }, row.text),
    h('p', { class: 'note' }, `${row.file}, line ${count(row.line)}, byte ${count(row.offset)}`),
    commandBlock(idCommand(state.model, 'id', record.record_id)),
    ...proofBlock(state, row),
  ];
}

/** How to prove the record to somebody who does not have the log. */
function proofBlock({ model }: State, row: Row): Node[] {
  const heading = h('h3', {}, 'Prove it');
  const log = logOf(model, row);
  if (log === undefined || log.status === 'unsealed' || log.status === 'unchecked')
    return [
      heading,
      h(
        'p',
        { class: 'note' },
        log?.status === 'unsealed'
          ? 'This log is not sealed: nothing proves that the record was logged, or that it is as it was. Sealing begins with the option integrity of the file sink.'
          : 'The log was not verified for this page, so the page cannot tell whether its records can be proved.',
      ),
    ];
  const commands = proofCommands(log, row.record.record_id);
  if (commands === undefined)
    return [
      heading,
      h(
        'p',
        { class: 'note' },
        'The proof of this record is written where its sealed log lies: otel-mcp-log prove.',
      ),
    ];
  return [
    heading,
    h(
      'p',
      { class: 'note' },
      'The first command writes a proof that carries this record and shows none of the others. The second is for whoever gets it; the verifier key must come to them by another way.',
    ),
    ...commands.map((text) => commandBlock({ text, wider: '' })),
  ];
}

function blocks(record: Readonly<Record<string, unknown>>): Node[] {
  const plain = Object.entries(record).filter(([key]) => !APART.has(key));
  const parts: Node[] = [fieldList(plain)];
  for (const [key, title] of [
    ['error', 'Error'],
    ['mcp', 'MCP'],
    ['data', 'Data'],
    ['truncated', 'Truncated'],
    ['metadata', 'Written by'],
  ] as const) {
    const value = record[key];
    if (value === undefined) continue;
    parts.push(h('h3', {}, title));
    parts.push(
      isObject(value)
        ? fieldList(Object.entries(value))
        : h('pre', { class: 'block', tabindex: 0 }, lines(JSON.stringify(value, undefined, 2))),
    );
  }
  return parts;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldList(fields: readonly (readonly [string, unknown])[]): HTMLElement {
  const list = h('dl', { class: 'fields' });
  for (const [key, value] of fields) {
    const nested = typeof value === 'object' && value !== null;
    list.append(h('dt', {}, key));
    list.append(
      h(
        'dd',
        {},
        nested
          ? h('pre', {}, lines(JSON.stringify(value, undefined, 2)))
          : typeof value === 'string'
            ? value
            : JSON.stringify(value),
      ),
    );
  }
  return list;
}

/** The other records of the same trace, as far as they are in the page. */
function traceBlock(state: State, rows: readonly Row[], row: Row): HTMLElement {
  const id = row.record.trace_id;
  const same = rows.filter((other) => other.record.trace_id === id);
  const items = same.slice(0, TRACE_LISTED).map((other) =>
    h(
      'li',
      other === row ? { 'aria-current': 'true' } : {},
      button('link', () => state.change({ record: other.record.record_id }), {}, clock(other.time)),
      ` ${other.record.resource} `,
      badge(other),
    ),
  );
  const narrow = () => {
    state.place = { ...state.place, record: undefined };
    state.reset(id);
    document.getElementById('records')?.scrollIntoView();
  };
  const more = same.length - TRACE_LISTED;
  const isPart = rows.length < state.model.totals.records;
  return h(
    'div',
    { class: 'trace' },
    h('h3', {}, 'Trace ', h('code', { class: 'trace-id' }, id)),
    h(
      'p',
      { class: 'actions' },
      copyButton('Copy the trace id', () => id),
      button('soft', narrow, {}, 'Show only this trace'),
    ),
    h('ol', {}, ...items),
    more > 0 && h('p', { class: 'note' }, `and ${count(more)} more`),
    isPart && h('p', { class: 'note' }, 'As far as they are in this page. All records of the trace:'),
    isPart && commandBlock(idCommand(state.model, 'trace', id)),
  );
}
