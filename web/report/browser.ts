import { outcomeWord } from '../../lib/cli/report/summary.js';
import { duration } from '../../lib/cli/term/units.js';
import { commandBlock, queryCommand, reportCommand } from './commands.js';
import { byId, button, clock, count, h } from './dom.js';
import { exportButtons } from './export.js';
import type { Row } from './records.js';
import type { Selection } from './selection.js';
import { OUTCOME_GROUPS, type State } from './state.js';

const PAGE = 50;

type Order = 'newest' | 'oldest' | 'slowest';

/** The badge of a row's outcome. */
export function badge({ record, group }: Row): HTMLElement {
  return h('span', { class: `badge ${OUTCOME_GROUPS[group]!.key}` }, outcomeWord(record.outcome));
}

/** The table of single records: pages, orders, what may be had of them, and where the others are. */
export function setUpBrowser(state: State, selection: () => Selection): void {
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
  const turn = (by: number) => () => {
    page += by;
    draw();
  };
  const earlier = button('step', turn(-1), { 'aria-label': 'Previous page' }, '‹');
  const later = button('step', turn(1), { 'aria-label': 'Next page' }, '›');
  const body = h('tbody');
  const table = recordTable(body);
  const rest = h('div', { class: 'rest' });
  byId('record-browser').append(
    h(
      'div',
      { class: 'line pager' },
      status,
      h('span', { class: 'space' }),
      exportButtons(state.model, selection),
      orders,
      earlier,
      later,
    ),
    table,
    rest,
  );

  const draw = () => {
    const start = page * PAGE;
    const shown = found.slice(start, start + PAGE);
    body.replaceChildren(...shown.map((row) => tableRow(state, row)));
    status.textContent =
      found.length === 0
        ? 'No record fits.'
        : `${count(start + 1)} to ${count(start + shown.length)} of ${ofHowMany(found.length, selection())}`;
    table.hidden = found.length === 0;
    earlier.disabled = page === 0;
    later.disabled = start + PAGE >= found.length;
  };
  const choose = () => {
    found = sorted([...selection().rows], order);
    page = 0;
    draw();
    drawRest(state, selection(), rest);
  };
  orders.addEventListener('change', () => {
    order = orders.value as Order;
    choose();
  });
  state.onChoice(choose);
  choose();
}

/** How many records there are to look through, and how many that is of all that are chosen. */
function ofHowMany(rows: number, { summary, atLeast }: Selection): string {
  if (!atLeast && rows === summary.records) return count(rows);
  return `${count(rows)} in this page, of ${atLeast ? 'at least ' : ''}${count(summary.records)}`;
}

/** Where the chosen records are that are not in the page. */
function drawRest(state: State, { rows, summary, atLeast }: Selection, place: HTMLElement): void {
  const { model } = state;
  if (model.totals.records === 0) return;
  const all = !atLeast && rows.length === summary.records;
  const words = all
    ? 'All chosen records are in this page. The same from the log itself:'
    : summary.records === 0
      ? 'None was found in what could be searched. This command searches the whole log:'
      : `${count(rows.length)} of ${atLeast ? 'at least ' : ''}${count(summary.records)} chosen records are in this page, and in what it saves. This command gives them all:`;
  place.replaceChildren(
    h('p', { class: all ? 'note' : '' }, words),
    commandBlock(queryCommand(model, state.place)),
    ...(all
      ? []
      : [h('p', {}, 'And this one makes a page of them:'), commandBlock(reportCommand(model, state.place))]),
  );
}

const HEADS = ['Time (UTC)', 'Outcome', 'Who', 'What', 'Server', 'Took', 'Message'] as const;

function recordTable(body: HTMLElement): HTMLElement {
  const heads = HEADS.map((name) =>
    h('th', { scope: 'col', class: name === 'Took' ? 'number' : undefined }, name),
  );
  const table = h(
    'table',
    { class: 'records' },
    h('caption', { class: 'visually-hidden' }, 'Records'),
    h('thead', {}, h('tr', {}, ...heads)),
    body,
  );
  return h(
    'div',
    { class: 'scroll stacks', tabindex: 0, role: 'region', 'aria-label': 'Table of records' },
    table,
  );
}

function sorted(rows: Row[], order: Order): Row[] {
  if (order === 'slowest') return rows.sort((a, b) => b.record.duration_ms - a.record.duration_ms);
  // Equal times keep the order of the log.
  if (order === 'oldest') return rows.sort((a, b) => a.time - b.time);
  return rows.reverse().sort((a, b) => b.time - a.time);
}

function tableRow(state: State, row: Row): HTMLElement {
  const { record } = row;
  const open = () => state.change({ record: record.record_id });
  const opener = button(
    'link',
    (event) => {
      event.stopPropagation();
      open();
    },
    {
      'aria-label': `Show the record of ${clock(row.time)}, ${record.resource}`,
      'data-record': record.record_id,
    },
    clock(row.time),
  );
  return h(
    'tr',
    { click: open },
    h('td', { class: 'time' }, opener),
    h('td', { class: 'how' }, badge(row)),
    h('td', { class: 'cut who' }, record.actor_id),
    h('td', { class: 'cut strong what' }, record.resource),
    h('td', { class: 'cut where' }, record.server_id ?? ''),
    h('td', { class: 'number took' }, duration(record.duration_ms)),
    h(
      'td',
      { class: 'cut wide why' },
      record.error === undefined
        ? record.message
        : `${record.error.type}: ${record.error.message ?? record.message}`,
    ),
  );
}
