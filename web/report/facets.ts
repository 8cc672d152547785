import { byFacet } from './counts.js';
import { byId, count, h } from './dom.js';
import { FACETS, OUTCOME_GROUPS, type Facet, type State } from './state.js';

const TITLES: Readonly<Record<Facet, string>> = { actor: 'Who', target: 'What', server: 'Where (servers)' };
const SHOWN = 10;
const SHOWN_AT_MOST = 100;

/** The names of a field. */
export function namesOf(state: State, facet: Facet): readonly string[] {
  return state.model.cube[`${facet}s`].names;
}

/** The lists of actors, targets and servers, each with a bar; a click narrows the page to one. */
export function setUpFacets(state: State): void {
  const expanded = new Set<Facet>();
  const panels = FACETS.map((facet) => {
    const panel = h('div', { class: 'facet', id: `facet-${facet}` });
    byId('facets').append(panel);
    return { facet, panel };
  });
  const draw = () => {
    for (const { facet, panel } of panels) drawPanel(state, facet, panel, expanded, draw);
  };
  state.onChange(draw);
  draw();
}

function drawPanel(
  state: State,
  facet: Facet,
  panel: HTMLElement,
  expanded: Set<Facet>,
  redraw: () => void,
): void {
  const focused =
    document.activeElement instanceof HTMLElement && panel.contains(document.activeElement)
      ? document.activeElement.dataset['value']
      : undefined;
  const names = namesOf(state, facet);
  const rows = byFacet(state.model.cube, state.choice, facet, names.length)
    .map((groups, value) => ({ value, groups, sum: groups.reduce((total, part) => total + part, 0) }))
    .filter(({ sum, value }) => sum > 0 || state.choice[facet] === value)
    .sort((a, b) => b.sum - a.sum);
  const most = rows[0]?.sum ?? 1;
  const shown = rows.slice(0, expanded.has(facet) ? SHOWN_AT_MOST : SHOWN);
  const list = h(
    'ul',
    {},
    ...shown.map((row) => h('li', {}, bar(state, facet, names[row.value] ?? '', row, most))),
  );
  const { folded } = state.model.cube[`${facet}s`];
  panel.replaceChildren(
    h('h3', {}, TITLES[facet], h('span', { class: 'hint' }, count(rows.length + Math.max(0, folded - 1)))),
    list,
  );
  if (rows.length > SHOWN) {
    const label = expanded.has(facet)
      ? 'Fewer'
      : `${count(Math.min(rows.length, SHOWN_AT_MOST) - SHOWN)} more`;
    const toggle = () => {
      if (!expanded.delete(facet)) expanded.add(facet);
      redraw();
    };
    panel.append(h('button', { type: 'button', class: 'link', click: toggle }, label));
  }
  if (focused !== undefined)
    panel.querySelector<HTMLElement>(`[data-value="${CSS.escape(focused)}"]`)?.focus();
}

function bar(
  state: State,
  facet: Facet,
  name: string,
  { value, groups, sum }: { value: number; groups: readonly number[]; sum: number },
  most: number,
): HTMLElement {
  const track = h('span', { class: 'bar', 'aria-hidden': 'true' });
  groups.forEach((part, group) => {
    if (part === 0) return;
    const piece = h('span', { class: `fill ${OUTCOME_GROUPS[group]!.key}` });
    piece.style.width = `${Math.max(0.6, (part / most) * 100)}%`;
    track.append(piece);
  });
  const words = OUTCOME_GROUPS.map((group, index) =>
    groups[index]! > 0 ? `${count(groups[index]!)} ${group.name.toLowerCase()}` : undefined,
  );
  return h(
    'button',
    {
      type: 'button',
      class: 'entry',
      'data-value': value,
      'aria-pressed': String(state.choice[facet] === value),
      title: `${name}: ${words.filter((word) => word !== undefined).join(', ')}`,
      click: () => state.toggle(facet, value),
    },
    h('span', { class: 'name' }, name),
    h('span', { class: 'sum' }, count(sum)),
    track,
  );
}
