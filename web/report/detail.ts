import { outcomeWord, took } from './browser.js';
import { clock, count, h, lines } from './dom.js';
import type { Row } from './records.js';
import { OUTCOME_GROUPS, type State } from './state.js';

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

let dialog: HTMLDialogElement | undefined;

/** Opens the view of one record. */
export function showDetail(state: State, rows: readonly Row[], row: Row): void {
  dialog ??= makeDialog();
  dialog.replaceChildren(...content(state, rows, row));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function makeDialog(): HTMLDialogElement {
  const made = h('dialog', { id: 'detail', 'aria-labelledby': 'detail-title' });
  made.addEventListener('click', (event) => event.target === made && made.close());
  document.body.append(made);
  return made;
}

function content(state: State, rows: readonly Row[], row: Row): Node[] {
  const { record, group } = row;
  const close = h(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Close', click: () => dialog?.close() },
    '×',
  );
  const badge = h('span', { class: `badge ${OUTCOME_GROUPS[group]!.key}` }, outcomeWord(record.outcome));
  return [
    h(
      'header',
      {},
      h(
        'div',
        {},
        h('p', { class: 'kicker' }, badge, ` ${clock(row.time)} UTC, took ${took(record.duration_ms)}`),
        h('h2', { id: 'detail-title' }, record.resource),
        h('p', {}, record.message),
      ),
      close,
    ),
    ...blocks(record as unknown as Record<string, unknown>),
    traceBlock(state, rows, row),
    h('h3', {}, 'As it was logged'),
    h('pre', { class: 'block raw' }, row.text),
    h('p', { class: 'note' }, `${row.file}, line ${count(row.line)}, byte ${count(row.offset)}`),
    ...queryCommand(row),
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
        : h('pre', { class: 'block' }, lines(JSON.stringify(value, undefined, 2))),
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
  const items = same
    .slice(0, TRACE_LISTED)
    .map((other) =>
      h(
        'li',
        other === row ? { 'aria-current': 'true' } : {},
        h(
          'button',
          { type: 'button', class: 'link', click: () => showDetail(state, rows, other) },
          clock(other.time),
        ),
        ` ${other.record.resource} `,
        h('span', { class: `badge ${OUTCOME_GROUPS[other.group]!.key}` }, outcomeWord(other.record.outcome)),
      ),
    );
  const narrow = () => {
    dialog?.close();
    state.reset();
    state.change({ text: id });
    document.getElementById('records')?.scrollIntoView();
  };
  return h(
    'div',
    { class: 'trace' },
    h('h3', {}, 'Trace ', h('code', { class: 'trace-id' }, id)),
    h(
      'p',
      { class: 'actions' },
      copyButton('Copy the trace id', id),
      h('button', { type: 'button', class: 'soft', click: narrow }, 'Show only this trace'),
    ),
    h('ol', {}, ...items),
    same.length > TRACE_LISTED && h('p', { class: 'note' }, `and ${count(same.length - TRACE_LISTED)} more`),
  );
}

function copyButton(label: string, text: string): HTMLElement {
  const button = h('button', { type: 'button', class: 'soft' }, label);
  button.addEventListener('click', () => {
    const done = () => (button.textContent = 'Copied');
    // A page from disk may have no clipboard to write to.
    if (navigator.clipboard === undefined) return;
    navigator.clipboard.writeText(text).then(done, () => undefined);
  });
  return button;
}

/** A command line is shown only for what is safe to paste into a shell. */
function queryCommand({ record, file }: Row): Node[] {
  if (!/^[\w-]{1,64}$/.test(record.record_id) || !/^[\w./+@-]+$/.test(file)) return [];
  return [h('pre', { class: 'block' }, `otel-mcp-log query --id ${record.record_id} ${file}`)];
}
