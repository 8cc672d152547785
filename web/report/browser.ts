import { byId, clock, count, h } from './dom.js';
import { showDetail } from './detail.js';
import { chosenRows, type Row } from './records.js';
import { OUTCOME_GROUPS, type State } from './state.js';

const PAGE = 50;

type Order = 'newest' | 'oldest' | 'slowest';

/** Milliseconds for people. */
export function took(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${count(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The word for an outcome. */
export function outcomeWord(outcome: string): string {
  return outcome.replace('OUTCOME_', '').replace('FAILURE_', '').toLowerCase();
}

/** The table of single records: pages, orders, and a record's own view. */
export function setUpBrowser(state: State, rows: readonly Row[]): void {
  let page = 0;
  let order: Order = 'newest';
  let found: Row[] = [];
  const orders = h(
    'select',
    { id: 'order', 'aria-label': 'Order' },
    ...(['newest', 'oldest', 'slowest'] as const).map((name) =>
      h('option', { value: name }, `${name} first`),
    ),
  );
  const status = h('p', { class: 'status', role: 'status' });
  const earlier = h('button', { type: 'button', class: 'step', 'aria-label': 'Previous page' }, '‹');
  const later = h('button', { type: 'button', class: 'step', 'aria-label': 'Next page' }, '›');
  const body = h('tbody');
  const heads = ['Time (UTC)', 'Outcome', 'Who', 'What', 'Server', 'Took', 'Message'].map((name) =>
    h('th', { scope: 'col', class: name === 'Took' ? 'number' : undefined }, name),
  );
  const table = h(
    'table',
    { class: 'records' },
    h('caption', { class: 'visually-hidden' }, 'Records'),
    h('thead', {}, h('tr', {}, ...heads)),
    body,
  );
  byId('record-browser').append(
    h('div', { class: 'line pager' }, status, h('span', { class: 'space' }), orders, earlier, later),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of records' }, table),
  );

  const draw = () => {
    const start = page * PAGE;
    const shown = found.slice(start, start + PAGE);
    body.replaceChildren(...shown.map((row) => tableRow(state, rows, row)));
    status.textContent =
      found.length === 0
        ? 'No record fits.'
        : `${count(start + 1)} to ${count(start + shown.length)} of ${count(found.length)}`;
    earlier.disabled = page === 0;
    later.disabled = start + PAGE >= found.length;
  };
  const choose = () => {
    found = sorted(chosenRows(rows, state), order);
    page = 0;
    draw();
  };
  const turn = (by: number) => () => {
    page += by;
    draw();
  };
  earlier.addEventListener('click', turn(-1));
  later.addEventListener('click', turn(1));
  orders.addEventListener('change', () => {
    order = orders.value as Order;
    choose();
  });
  state.onChange(choose);
  choose();
}

function sorted(rows: Row[], order: Order): Row[] {
  if (order === 'slowest') return rows.sort((a, b) => b.record.duration_ms - a.record.duration_ms);
  // Equal times keep the order of the log.
  if (order === 'oldest') return rows.sort((a, b) => a.time - b.time);
  return rows.reverse().sort((a, b) => b.time - a.time);
}

function tableRow(state: State, rows: readonly Row[], row: Row): HTMLElement {
  const { record, group } = row;
  const open = () => showDetail(state, rows, row);
  return h(
    'tr',
    { click: open },
    h(
      'td',
      { class: 'time' },
      h(
        'button',
        {
          type: 'button',
          class: 'link',
          'aria-label': `Show the record of ${clock(row.time)}, ${record.resource}`,
          click: (event) => {
            event.stopPropagation();
            open();
          },
        },
        clock(row.time),
      ),
    ),
    h('td', {}, h('span', { class: `badge ${OUTCOME_GROUPS[group]!.key}` }, outcomeWord(record.outcome))),
    h('td', { class: 'cut' }, record.actor_id),
    h('td', { class: 'cut strong' }, record.resource),
    h('td', { class: 'cut' }, record.server_id ?? ''),
    h('td', { class: 'number' }, took(record.duration_ms)),
    h(
      'td',
      { class: 'cut wide' },
      record.error === undefined
        ? record.message
        : `${record.error.type}: ${record.error.message ?? record.message}`,
    ),
  );
}
