import type { ReportModel } from '../../lib/cli/report/model.js';
import { setUpBrowser } from './browser.js';
import { drawForPaper } from './chart.js';
import { setUpCharts } from './charts.js';
import { setUpCompare } from './compare.js';
import { setUpDetail } from './detail.js';
import { byId } from './dom.js';
import { setUpFacets } from './facets.js';
import { setUpFilters } from './filters.js';
import { decodeRows, type Row } from './records.js';
import { Selector, type Selection } from './selection.js';
import { setUpSessions } from './sessions.js';
import { State } from './state.js';
import { setUpTables } from './tables.js';

/** The model lies in the page as base64 of gzip, and after it, line by line, the records that can be looked at. */
async function readModel(): Promise<{ model: ReportModel; lines: string[] }> {
  const binary = atob(byId('model').textContent ?? '');
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const [model = '', ...lines] = (await new Response(stream).text()).split('\n');
  return { model: JSON.parse(model) as ReportModel, lines };
}

/** A button for those who want the other theme than their system has. */
function setUpTheme(state: State, redraw: () => void): void {
  const button = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const dark = () => (root.dataset['theme'] ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const set = (theme: string | undefined) => {
    if (theme === undefined) delete root.dataset['theme'];
    else root.dataset['theme'] = theme;
  };
  const draw = () => {
    button.textContent = dark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to the ${dark() ? 'light' : 'dark'} theme`);
    redraw();
  };
  const follow = () => {
    if (root.dataset['theme'] === state.place.theme) return;
    set(state.place.theme);
    draw();
  };
  button.hidden = false;
  button.addEventListener('click', () => state.change({ theme: dark() ? 'light' : 'dark' }, 'same'));
  system.addEventListener('change', draw);
  addEventListener('beforeprint', () => {
    set('light');
    drawForPaper(true);
    redraw();
  });
  addEventListener('afterprint', () => {
    set(state.place.theme);
    drawForPaper(false);
    redraw();
  });
  state.onChange(follow);
  set(state.place.theme);
  draw();
}

/** The address says what is chosen. So a link to a section moves the page, and leaves the address as it is. */
function setUpSectionLinks(): void {
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>('a[href^="#"]');
    const section = link && document.getElementById(link.getAttribute('href')!.slice(1));
    if (!section) return;
    event.preventDefault();
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
    section.scrollIntoView();
  });
}

/** Makes ready what a search looks through while nothing else is to do, so that the first key takes no longer than the others. */
function prepareSearch(rows: readonly Row[], at = 0): void {
  if (at >= rows.length) return;
  setTimeout(() => {
    for (const row of rows.slice(at, at + PREPARED)) void row.haystack;
    prepareSearch(rows, at + PREPARED);
  });
}

const PREPARED = 200;

async function start(): Promise<void> {
  const { model, lines } = await readModel();
  const state = new State(model);
  const rows = decodeRows(model, lines);
  const selector = new Selector(state.model, rows);
  let chosen: Selection = selector.choose(state.place);
  const selection = () => chosen;
  state.onChoice(() => (chosen = selector.choose(state.place)));
  setUpFilters(state, selector, selection);
  setUpTables(state, selector, selection);
  setUpFacets(state, selector, selection);
  const drawCharts = setUpCharts(state, selector, selection);
  const drawCompared = setUpCompare(state, selector);
  setUpTheme(state, () => {
    drawCharts();
    drawCompared();
  });
  setUpSessions(state, rows, selection);
  setUpBrowser(state, selection);
  setUpDetail(state, rows);
  setUpSectionLinks();
  document.documentElement.dataset['ready'] = 'true';
  prepareSearch(rows);
}

start().catch((error: unknown) => {
  const note = document.createElement('p');
  note.className = 'note';
  note.textContent = `The interactive part of this page did not start: ${error instanceof Error ? error.message : String(error)}`;
  byId('activity').append(note);
});
