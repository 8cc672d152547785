import { totals } from './counts.js';
import { byId, clock, count, h } from './dom.js';
import { namesOf } from './facets.js';
import { FACETS, OUTCOME_GROUPS, type State } from './state.js';

/** The bar that says what the page is narrowed to, and lets go of it. */
export function setUpFilters(state: State): void {
  const bar = byId('filters');
  const search = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search the records: a trace id, an argument, a word',
    'aria-label': 'Search the records shown one by one',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => state.change({ text: search.value }), 150);
  });
  const outcomes = h('div', { class: 'outcomes', role: 'group', 'aria-label': 'Outcome' });
  const chips = h('div', { class: 'chips' });
  const status = h('p', { class: 'status', role: 'status' });
  bar.append(h('div', { class: 'line' }, search, outcomes, status), chips);
  bar.hidden = false;

  const draw = () => {
    if (search.value !== state.choice.text) search.value = state.choice.text;
    drawOutcomes(state, outcomes);
    drawChips(state, chips);
    const shown = totals(state.model.cube, state.choice).reduce((sum, part) => sum + part, 0);
    status.textContent = state.narrowed
      ? `${count(shown)} of ${count(state.model.totals.operations)} operations`
      : `All ${count(shown)} operations`;
  };
  state.onChange(draw);
  draw();
}

function drawOutcomes(state: State, place: HTMLElement): void {
  const focused = [...place.children].indexOf(document.activeElement ?? place);
  const sums = totals(state.model.cube, { ...state.choice, outcome: undefined });
  place.replaceChildren(
    ...OUTCOME_GROUPS.map(({ name, key }, group) =>
      h(
        'button',
        {
          type: 'button',
          class: `outcome ${key}`,
          'aria-pressed': String(state.choice.outcome === group),
          click: () => state.toggle('outcome', group),
        },
        h('span', { class: 'dot', 'aria-hidden': 'true' }),
        name,
        ' ',
        h('b', {}, count(sums[group] ?? 0)),
      ),
    ),
  );
  if (focused >= 0) (place.children[focused] as HTMLElement).focus();
}

function drawChips(state: State, place: HTMLElement): void {
  const chip = (label: string, text: string, drop: () => void) =>
    h(
      'button',
      { type: 'button', class: 'chip', title: 'Remove this filter', click: drop },
      h('span', { class: 'key' }, label),
      text,
      h('span', { 'aria-hidden': 'true' }, ' ×'),
    );
  const chips = FACETS.flatMap((facet) => {
    const value = state.choice[facet];
    return value === undefined
      ? []
      : [chip(facet, namesOf(state, facet)[value] ?? '', () => state.change({ [facet]: undefined }))];
  });
  const { from, to, text, outcome } = state.choice;
  const { start, step } = state.model.timeline;
  if (from !== undefined && to !== undefined) {
    const range = `${clock(start + from * step)} to ${clock(start + (to + 1) * step)}`;
    chips.push(chip('time', range, () => state.change({ from: undefined, to: undefined })));
  }
  if (outcome !== undefined)
    chips.push(chip('outcome', OUTCOME_GROUPS[outcome]!.name, () => state.change({ outcome: undefined })));
  if (text !== '') chips.push(chip('search', text, () => state.change({ text: '' })));
  if (chips.length > 1)
    chips.push(h('button', { type: 'button', class: 'link', click: () => state.reset() }, 'Clear all'));
  place.replaceChildren(...chips);
}
