import { byId, button, clock, count, h } from './dom.js';
import { commandBlock, queryCommand } from './commands.js';
import type { Selection, Selector } from './selection.js';
import { FACETS, OUTCOME_GROUPS, type State } from './state.js';
import { timeFields } from './timeFields.js';

const KEYSTROKE_MS = 120;

/** The bar that says what the page is narrowed to, and lets go of it. */
export function setUpFilters(state: State, selector: Selector, selection: () => Selection): void {
  const bar = byId('filters');
  const search = searchField(state);
  const outcomes = h('div', { class: 'outcomes', role: 'group', 'aria-label': 'Outcome' });
  const range = timeFields('Time', state.model.timeline, (chosen) => state.change({ range: chosen }));
  const chips = h('div', { class: 'chips' });
  const status = h('p', { class: 'status', role: 'status' });
  const scope = h('div', { class: 'scope-note' });
  bar.append(
    h('div', { class: 'line' }, search, outcomes),
    h('div', { class: 'line' }, state.model.timeline.buckets > 0 && range.element, status),
    chips,
  );
  // Beside the bar, which stays in sight, because it is high.
  bar.after(scope);
  bar.hidden = false;

  const draw = () => {
    if (search.value !== state.place.text && document.activeElement !== search)
      search.value = state.place.text;
    range.show(state.place.range);
    drawOutcomes(state, selection(), outcomes);
    drawChips(state, chips);
    const { operations } = state.model.totals;
    const chosen = selection().summary.operations;
    const { atLeast } = selection();
    const most = !atLeast ? count(chosen) : chosen === 0 ? 'None found' : `At least ${count(chosen)}`;
    status.textContent = state.narrowed
      ? `${most} of ${count(operations)} operations`
      : operations === 1
        ? 'The only operation'
        : `All ${count(operations)} operations`;
    drawScope(state, selector, selection(), scope);
    byId('chosen').textContent = paperWords(state, selection());
  };
  state.onChoice(draw);
  addEventListener('popstate', () => (search.value = state.place.text));
  draw();
}

function searchField(state: State): HTMLInputElement {
  const search = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search',
    title: 'Words that a record holds, in any field and either case; quotation marks join words',
    'aria-label': 'Search the records',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let typing = false;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      // One search is one step of the history, however many keys it takes.
      state.change({ text: search.value }, typing ? 'same' : 'new');
      typing = true;
    }, KEYSTROKE_MS);
  });
  search.addEventListener('blur', () => (typing = false));
  return search;
}

function drawOutcomes(state: State, { groups }: Selection, place: HTMLElement): void {
  const focused = [...place.children].indexOf(document.activeElement ?? place);
  place.replaceChildren(
    ...OUTCOME_GROUPS.map(({ name, key }, group) =>
      button(
        `outcome ${key}`,
        () => state.toggle('outcome', key),
        { 'aria-pressed': String(state.place.outcome === key) },
        h('span', { class: 'dot', 'aria-hidden': 'true' }),
        name,
        ' ',
        h('b', {}, count(groups[group] ?? 0)),
      ),
    ),
  );
  if (focused >= 0) (place.children[focused] as HTMLElement).focus();
}

/** What is chosen, each with what lets go of it. */
function chosenParts({ place }: State): { label: string; text: string; without: object }[] {
  const { text, range, outcome } = place;
  const parts: { label: string; text: string | undefined; without: object }[] = FACETS.map((facet) => ({
    label: facet,
    text: place[facet],
    without: { [facet]: undefined },
  }));
  parts.push({
    label: 'time',
    text: range && `${clock(range[0])} to ${clock(range[1])}`,
    without: { range: undefined },
  });
  const group = OUTCOME_GROUPS.find(({ key }) => key === outcome);
  parts.push({ label: 'outcome', text: group?.name, without: { outcome: undefined } });
  parts.push({ label: 'search', text: text.trim() === '' ? undefined : text, without: { text: '' } });
  return parts.filter((part): part is typeof part & { text: string } => part.text !== undefined);
}

function drawChips(state: State, place: HTMLElement): void {
  const chips = chosenParts(state).map(({ label, text, without }) =>
    button(
      'chip',
      () => {
        if ('text' in without) (byId('search') as HTMLInputElement).value = '';
        state.change(without);
      },
      { title: 'Remove this filter' },
      h('span', { class: 'key' }, label),
      text,
      h('span', { 'aria-hidden': 'true' }, ' ×'),
    ),
  );
  const clear = () => {
    (byId('search') as HTMLInputElement).value = '';
    state.reset();
  };
  if (chips.length > 1) chips.push(button('link', clear, {}, 'Clear all'));
  place.replaceChildren(...chips);
}

/** What was searched, where that is not everything; and how to search the rest. */
function drawScope(state: State, selector: Selector, { atLeast }: Selection, place: HTMLElement): void {
  const { totals } = state.model;
  if (!atLeast) {
    place.replaceChildren();
    return;
  }
  place.replaceChildren(
    h(
      'p',
      {},
      h('b', {}, 'Not everything could be searched. '),
      `Names of actors, targets and servers, and reasons of failures, were searched in all ${count(totals.records)} records; ` +
        `other fields only in the ${count(selector.rows.length)} records that are in this page. So every number is “at least”. This command searches them all:`,
    ),
    commandBlock(queryCommand(state.model, state.place)),
  );
}

/** What the page shows, in words: for paper. */
function paperWords(state: State, { summary, atLeast }: Selection): string {
  const most = atLeast ? 'at least ' : '';
  const records = `${most}${count(summary.records)} of ${count(state.model.totals.records)} records, ${most}${count(summary.operations)} of ${count(state.model.totals.operations)} operations`;
  const made = state.model.filter === '' ? '' : `Made with the filter ${state.model.filter}. `;
  if (!state.narrowed)
    return `${made}${made === '' ? 'No filter' : 'Nothing else is filtered'}: all ${count(summary.records)} records, ${count(summary.operations)} operations.`;
  const parts = chosenParts(state).map(({ label, text }) => `${label}: ${text}`);
  return `${made}Filter: ${parts.join('; ')}. It holds ${records}.`;
}
