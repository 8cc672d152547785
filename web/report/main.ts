import type { ReportModel } from '../../lib/cli/report/model.js';
import { setUpBrowser } from './browser.js';
import { drawForPaper, setUpCharts } from './charts.js';
import { byId } from './dom.js';
import { setUpFacets } from './facets.js';
import { setUpFilters } from './filters.js';
import { decodeRows } from './records.js';
import { State } from './state.js';

/** The model lies in the page as base64 of gzip. */
async function readModel(): Promise<ReportModel> {
  const binary = atob(byId('model').textContent ?? '');
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as ReportModel;
}

/** A button for those who want the other theme than their system has. */
function setUpTheme(redraw: () => void): void {
  const button = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const dark = () => (root.dataset['theme'] ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const draw = () => {
    button.textContent = dark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to the ${dark() ? 'light' : 'dark'} theme`);
    redraw();
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset['theme'] = dark() ? 'light' : 'dark';
    draw();
  });
  system.addEventListener('change', draw);
  let before: string | undefined;
  addEventListener('beforeprint', () => {
    before = root.dataset['theme'];
    root.dataset['theme'] = 'light';
    drawForPaper(true);
    redraw();
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete root.dataset['theme'];
    else root.dataset['theme'] = before;
    drawForPaper(false);
    redraw();
  });
  draw();
}

/** A trace id anywhere in the page leads to its records. */
function setUpTraceLinks(state: State): void {
  for (const code of document.querySelectorAll<HTMLElement>('code[data-trace]')) {
    const id = code.dataset['trace'] ?? '';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'link';
    button.title = 'Show the records of this trace';
    button.addEventListener('click', () => {
      state.reset();
      state.change({ text: id });
      byId('records').scrollIntoView();
    });
    code.replaceWith(button);
    button.append(code);
  }
}

async function start(): Promise<void> {
  const state = new State(await readModel());
  setUpFilters(state);
  setUpFacets(state);
  setUpTheme(setUpCharts(state));
  setUpBrowser(state, decodeRows(state.model));
  setUpTraceLinks(state);
  document.documentElement.dataset['ready'] = 'true';
}

start().catch((error: unknown) => {
  const note = document.createElement('p');
  note.className = 'note';
  note.textContent = `The interactive part of this page did not start: ${error instanceof Error ? error.message : String(error)}`;
  byId('activity').append(note);
});
