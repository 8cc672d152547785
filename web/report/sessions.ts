import { duration } from '../../lib/cli/term/units.js';
import { badge } from './browser.js';
import { commandBlock, idCommand } from './commands.js';
import { View } from './dialogs.js';
import { byId, button, clock, count, h } from './dom.js';
import type { Row } from './records.js';
import type { Selection } from './selection.js';
import type { State } from './state.js';
import { tableOf } from './tables.js';

const LISTED = 12;

/** The sessions of the chosen records, and the view of one: who asked what, in order, and how long it took. */
export function setUpSessions(state: State, rows: readonly Row[], selection: () => Selection): void {
  const section = byId('sessions');
  const lead = h('p', { class: 'lead' });
  const place = h('div', { class: 'changing' });
  section.append(h('h2', { id: 'sessions-title' }, 'Sessions'), lead, place);
  section.hidden = false;
  const draw = () => {
    const found = [...sessionsOf(selection().rows)].reverse();
    const all = rows.length === state.model.totals.records;
    const whose = `the chosen records${all ? '' : ' that are in this page'}`;
    lead.textContent =
      found.length === 0
        ? `None among ${whose}.`
        : `${count(found.length)} among ${whose}${found.length > LISTED ? `; the newest ${LISTED} are listed` : ''}. Open one to see who asked what, in order.`;
    place.replaceChildren(...(found.length === 0 ? [] : [listOf(state, found.slice(0, LISTED))]));
  };
  state.onChoice(draw);
  draw();
  new View(state, 'session', (id) => sequence(state, rows, id));
}

/** Sessions in the order of their last records. */
function sessionsOf(rows: readonly Row[]): Map<string, Row[]> {
  const sessions = new Map<string, Row[]>();
  for (const row of rows) {
    const { session_id: id } = row.record;
    const before = sessions.get(id) ?? [];
    before.push(row);
    // Set anew, so that the map is in the order of the last records.
    sessions.delete(id);
    sessions.set(id, before);
  }
  return sessions;
}

function several(values: readonly (string | undefined)[]): string {
  const names = [...new Set(values.filter((value) => value !== undefined))];
  return names.slice(0, 2).join(', ') + (names.length > 2 ? `, and ${names.length - 2} more` : '');
}

/** From the first beginning to the last end. */
function spanOf(rows: readonly Row[]): [start: number, end: number] {
  return [
    Math.min(...rows.map(({ time }) => time)),
    Math.max(...rows.map(({ time, record }) => time + Math.max(0, record.duration_ms))),
  ];
}

function listOf(state: State, sessions: readonly (readonly [string, readonly Row[]])[]): HTMLElement {
  const table = tableOf(state, {
    caption: 'List of sessions',
    heads: [
      ['Session'],
      ['Began (UTC)'],
      ['Lasted', 'number'],
      ['Who'],
      ['Server'],
      ['Records', 'number'],
      ['Not successful', 'number'],
    ],
    rows: sessions.map(([, rows]) => {
      const [start, end] = spanOf(rows);
      return [
        { text: '', kind: 'head' },
        { text: new Date(start).toISOString(), kind: 'time' },
        { text: duration(end - start), kind: 'number' },
        { text: several(rows.map(({ record }) => record.actor_id)) },
        { text: several(rows.map(({ record }) => record.server_id)) },
        { text: count(rows.length), kind: 'number' },
        { text: count(rows.filter(({ group }) => group !== 0).length), kind: 'number' },
      ];
    }),
  });
  table.querySelectorAll('tbody th').forEach((cell, index) => {
    const [id] = sessions[index]!;
    cell.replaceChildren(
      button('link', () => state.change({ session: id }), { 'data-session': id }, h('code', {}, id)),
    );
  });
  return table;
}

/** One session, in the order of time. */
function sequence(state: State, rows: readonly Row[], id: string): Node[] {
  const { model } = state;
  const own = rows.filter(({ record }) => record.session_id === id).sort((a, b) => a.time - b.time);
  const isPart = rows.length < model.totals.records;
  const rest = [
    h(
      'p',
      { class: 'note' },
      isPart
        ? `These are the records of the session that are in this page: ${count(rows.length)} of all ${count(model.totals.records)} are. All records of the session:`
        : 'The same records from the log:',
    ),
    commandBlock(idCommand(model, 'session', id)),
  ];
  const heading = h('h2', { id: 'session-title' }, 'Session ', h('code', {}, id));
  if (own.length === 0)
    return [heading, h('p', { class: 'lead' }, 'None of its records is in this page.'), ...rest];
  const [start, end] = spanOf(own);
  const words = `${count(own.length)} records from ${clock(start)} to ${clock(end)} UTC: ${several(own.map(({ record }) => record.actor_id))} with ${several(own.map(({ record }) => record.server_id)) || 'no server'}. The bars show when each operation ran and how long it took.`;
  return [heading, h('p', { class: 'lead' }, words), sequenceList(state, own, start, end), ...rest];
}

function sequenceList(state: State, rows: readonly Row[], start: number, end: number): HTMLElement {
  const span = Math.max(1, end - start);
  const steps = rows.map((row) => {
    const { record, time } = row;
    // A server may ask, too: for a completion, for input.
    const isAsked = record.mcp?.requested_by === 'server';
    const [asking, asked] = [record.actor_id, record.server_id ?? 'itself'];
    const bar = h('span', { class: `ran ${badge(row).className.replace('badge ', '')}` });
    bar.style.left = `${(Math.max(0, time - start) / span) * 99}%`;
    bar.style.width = `${Math.max(0.6, (Math.max(0, record.duration_ms) / span) * 99)}%`;
    return h(
      'li',
      {},
      h('span', { class: 'offset' }, `+${duration(time - start)}`),
      h('span', { class: 'parties' }, isAsked ? `${asked} → ${asking}` : `${asking} → ${asked}`),
      button(
        'link what',
        () => state.change({ session: undefined, record: record.record_id }),
        {},
        record.resource,
      ),
      h('span', { class: 'took' }, duration(record.duration_ms)),
      badge(row),
      h('span', { class: 'track', 'aria-hidden': 'true' }, bar),
    );
  });
  return h('ol', { class: 'steps', tabindex: 0, 'aria-label': 'Operations in their order' }, ...steps);
}
