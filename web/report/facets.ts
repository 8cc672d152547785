import { OTHER } from '../../lib/cli/report/names.js';
import { byId, button, count, h } from './dom.js';
import type { Selection, Selector } from './selection.js';
import { FACETS, OUTCOME_GROUPS, type Facet, type State } from './state.js';

const TITLES: Readonly<Record<Facet, string>> = { actor: 'Who', target: 'What', server: 'Where (servers)' };
const SHOWN = 10;
const SHOWN_AT_MOST = 100;

/** One line of a list: a name, or a template with how many names it has. */
interface Entry {
  readonly value: string;
  readonly groups: number[];
  sum: number;
  names: number;
}

/** The lists of actors, targets and servers, each with a bar; a click narrows the page to one. */
export function setUpFacets(state: State, selector: Selector, selection: () => Selection): void {
  const expanded = new Set<Facet>();
  const panels = FACETS.map((facet) => {
    const panel = h('div', { class: 'facet', id: `facet-${facet}` });
    byId('facets').append(panel);
    return { facet, panel };
  });
  const draw = () => {
    for (const { facet, panel } of panels) {
      const entries = entriesOf(state, selector, selection(), facet);
      drawPanel(state, facet, panel, entries, expanded, draw);
    }
  };
  state.onChoice(draw);
  draw();
}

/** The lines of a list, the largest first. Targets of one template are one line, until it is chosen. */
function entriesOf(state: State, selector: Selector, selection: Selection, facet: Facet): Entry[] {
  const { names } = selector.model.cube[`${facet}s`];
  const { templates } = selector.summarizer;
  const chosen = state.place[facet];
  const open =
    facet === 'target' && chosen !== undefined ? (templates[names.indexOf(chosen)] ?? chosen) : undefined;
  const entries = new Map<string, Entry>();
  const add = (value: string, groups: readonly number[]) => {
    let entry = entries.get(value);
    if (entry === undefined)
      entries.set(value, (entry = { value, groups: OUTCOME_GROUPS.map(() => 0), sum: 0, names: 0 }));
    groups.forEach((part, group) => (entry.groups[group]! += part));
    entry.sum += groups.reduce((total, part) => total + part, 0);
    entry.names++;
  };
  selector.byFacet(selection, facet).forEach((groups, place) => {
    const name = names[place]!;
    if (groups.every((part) => part === 0) && name !== chosen) return;
    const template = facet === 'target' ? templates[place]! : name;
    add(template, groups);
    if (template === open && template !== name) add(name, groups);
  });
  return [...entries.values()].sort((a, b) => b.sum - a.sum || b.names - a.names);
}

function drawPanel(
  state: State,
  facet: Facet,
  panel: HTMLElement,
  entries: readonly Entry[],
  expanded: Set<Facet>,
  redraw: () => void,
): void {
  const focused =
    document.activeElement instanceof HTMLElement && panel.contains(document.activeElement)
      ? document.activeElement.dataset['value']
      : undefined;
  const most = entries[0]?.sum ?? 1;
  const shown = entries.slice(0, expanded.has(facet) ? SHOWN_AT_MOST : SHOWN);
  const list = h('ul', {}, ...shown.map((entry) => h('li', {}, bar(state, facet, entry, most))));
  const { folded } = state.model.cube[`${facet}s`];
  panel.replaceChildren(
    h('h3', {}, TITLES[facet], h('span', { class: 'hint' }, count(entries.length))),
    list,
  );
  if (entries.length === 0) panel.append(h('p', { class: 'hint' }, 'None'));
  if (folded > 0 && entries.some(({ value }) => value === OTHER))
    panel.append(h('p', { class: 'hint' }, `Names that are too many to tell apart: ${count(folded)}.`));
  if (entries.length > SHOWN) {
    const label = expanded.has(facet)
      ? 'Fewer'
      : `${count(Math.min(entries.length, SHOWN_AT_MOST) - SHOWN)} more`;
    const toggle = () => {
      if (!expanded.delete(facet)) expanded.add(facet);
      redraw();
    };
    panel.append(button('link', toggle, {}, label));
  }
  if (focused !== undefined)
    panel.querySelector<HTMLElement>(`[data-value="${CSS.escape(focused)}"]`)?.focus();
}

function bar(state: State, facet: Facet, { value, groups, sum, names }: Entry, most: number): HTMLElement {
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
  return button(
    'entry',
    () => state.toggle(facet, value),
    {
      'data-value': value,
      'aria-pressed': String(state.place[facet] === value),
      title: `${value}: ${words.filter((word) => word !== undefined).join(', ')}`,
    },
    h(
      'span',
      { class: 'name' },
      h('span', { class: 'text' }, value),
      names > 1 && h('span', { class: 'hint' }, `${count(names)} names`),
    ),
    h('span', { class: 'sum' }, count(sum)),
    track,
  );
}
