import type { Difference } from '../../lib/cli/input/toolChange.js';
import { searchWords } from '../../lib/cli/query/words.js';
import { cardsOf, TONE_WORDS } from '../../lib/cli/report/cards.js';
import {
  SECTION_VIEWS,
  type Cell,
  type Phrase,
  type TableView,
  type View,
} from '../../lib/cli/report/views.js';
import { byId, button, clock, h } from './dom.js';
import type { Selection, Selector } from './selection.js';
import type { State } from './state.js';

/** Writes the cards and the tables anew whenever something else is chosen. */
export function setUpTables(state: State, selector: Selector, selection: () => Selection): void {
  const draw = () => {
    const view = viewOf(state, selector, selection());
    drawCards(view);
    for (const [id, make] of Object.entries(SECTION_VIEWS)) {
      const section = byId(id);
      const { lead, table } = make(view);
      section.querySelector('.lead')?.replaceChildren(...phrase(lead));
      const place = section.querySelector('.changing');
      place?.replaceChildren(...(table === undefined ? [] : [tableOf(state, table)]));
    }
    for (const section of document.querySelectorAll('#missing, #both-sides, #integrity, #sources'))
      section.classList.toggle('whole', state.narrowed);
  };
  linkIds(state);
  state.onChoice(draw);
  draw();
}

function viewOf(state: State, { model }: Selector, selection: Selection): View {
  const { summary, atLeast } = selection;
  return { model, summary, atLeast, narrowed: state.narrowed, changes: changesOf(state, selection) };
}

/** The changes of tools that are chosen. They are records, but not all of them need be in the page. */
function changesOf({ model, narrowed }: State, { choice, mask }: Selection): View['changes'] {
  if (!narrowed) return model.changes;
  const chosen = mask();
  const words = searchWords(choice.text);
  const [from, to] = choice.range ?? [-Infinity, Infinity];
  const listed = model.changes.listed.filter((change) => {
    const time = Date.parse(change.time);
    const values = JSON.stringify(Object.values(change)).toLowerCase();
    return (
      chosen[change.kind] === 1 && time >= from && time < to && words.every((word) => values.includes(word))
    );
  });
  return { all: listed.length, listed };
}

/** A text of the page with its strong parts. */
function phrase(parts: Phrase): (Node | string)[] {
  return parts.map((part) => (typeof part === 'string' ? h('span', {}, part) : h('b', {}, part.strong)));
}

function drawCards(view: View): void {
  const places = document.querySelectorAll<HTMLElement>('.cards > .card');
  cardsOf(view).forEach(({ question, tone, answer, detail, whole }, index) => {
    const place = places[index];
    if (place === undefined) return;
    place.className = `card ${tone}`;
    place.replaceChildren(
      h('span', { class: 'question' }, question),
      h('strong', { class: 'answer' }, answer),
      h('span', { class: 'detail' }, ...phrase(detail)),
      ...(tone === 'calm' ? [] : [h('span', { class: 'tone' }, TONE_WORDS[tone])]),
      ...(whole === true && view.narrowed ? [h('span', { class: 'scope' }, 'of the whole log')] : []),
    );
  });
}

/** A table. Its cells name their column, for screens on which a row is a card. */
export function tableOf(state: State, { caption, heads, rows }: TableView): HTMLElement {
  return h(
    'div',
    { class: 'scroll stacks', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'visually-hidden' }, caption),
      h(
        'thead',
        {},
        h('tr', {}, ...heads.map(([name, kind]) => h('th', { scope: 'col', class: kind ?? '' }, name))),
      ),
      h(
        'tbody',
        {},
        ...rows.map((cells) =>
          h('tr', {}, ...cells.map((cell, index) => cellOf(state, cell, heads[index]?.[0] ?? ''))),
        ),
      ),
    ),
  );
}

function cellOf(state: State, cell: Cell, label: string): HTMLElement {
  const { text, kind, note } = cell;
  const quiet = note !== undefined && h('span', {}, ' ', h('span', { class: 'hint' }, note));
  if (kind === 'target') {
    const choose = () => {
      state.change({ target: text });
      byId('filters').scrollIntoView();
    };
    return h('th', { scope: 'row' }, button('link', choose, { title: 'Choose only this' }, text), quiet);
  }
  if (kind === 'head') return h('th', { scope: 'row' }, text, quiet);
  const { differences } = cell;
  if (differences !== undefined)
    return h(
      'td',
      { 'data-label': label },
      differences.length > 0 ? differencesOf(differences) : text,
      note !== undefined && h('p', { class: 'note' }, note),
    );
  const inner =
    kind === 'time'
      ? h('time', { datetime: text }, clock(Date.parse(text)))
      : kind === 'trace' && text !== ''
        ? traceButton(state, text)
        : kind === 'tag'
          ? h('span', { class: `tag s-${text.replaceAll(' ', '-')}` }, text)
          : text;
  return h('td', { class: kind === 'number' ? 'number' : '', 'data-label': label }, inner, quiet);
}

function differencesOf(places: readonly Difference[]): HTMLElement {
  return h(
    'dl',
    { class: 'difference' },
    ...places.flatMap(({ path, before, after }) => [
      h('dt', {}, h('code', {}, path)),
      before !== undefined && h('dd', {}, h('del', {}, before)),
      after !== undefined && h('dd', {}, h('ins', {}, after)),
    ]),
  );
}

function traceButton(state: State, id: string): HTMLElement {
  const show = () => {
    state.reset(id);
    byId('records').scrollIntoView();
  };
  return button('link', show, { title: 'Show the records of this trace' }, h('code', {}, id));
}

/** In the parts of the page that stay as they came, the id of a trace leads to its records, and that of a record to it. */
function linkIds(state: State): void {
  for (const code of document.querySelectorAll<HTMLElement>('code[data-trace]'))
    code.replaceWith(traceButton(state, code.dataset['trace'] ?? ''));
  for (const code of document.querySelectorAll<HTMLElement>('code[data-record]')) {
    const id = code.dataset['record'] ?? '';
    const show = () => state.change({ record: id });
    code.replaceWith(button('link', show, { title: 'Show this record' }, h('code', {}, id)));
  }
}
