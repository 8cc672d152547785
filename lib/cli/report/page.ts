import { gzipSync } from 'fflate';
import { createHash } from 'node:crypto';
import { PAGE_SCRIPT, PAGE_STYLE } from './assets.js';
import { bothSides } from './bothSides.js';
import { html, Html, section, table, timeCell } from './html.js';
import { commandLine } from './commandLine.js';
import type { ReportModel } from './model.js';
import { changing, glance, integrity, missing, personalValues } from './sections.js';
import { wholeView } from './views.js';
import { bytes, count, plural } from '../term/units.js';

/**
 * The policy lets the page load nothing, and run only the script with this hash. A value that broke out of its place in the page
 * still could not run.
 */
function contentPolicy(): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(PAGE_SCRIPT)}`,
    `style-src ${hash(PAGE_STYLE)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/**
 * The model as gzip in base64, so that no value can become anything but letters, digits, `+`, `/` and `=` in the page. Inside, the
 * lines of the records follow the model, one a line: as texts within its JSON they would take a tenth more.
 */
function embed(model: ReportModel): string {
  const { files, notable, lines } = model.rows;
  const rows = {
    files,
    notable,
    lines: lines.map(([file, line, offset, , kind]) => [file, line, offset, '', kind]),
  };
  const content = [JSON.stringify({ ...model, rows }), ...lines.map(([, , , text]) => text)].join('\n');
  const bytes = gzipSync(Buffer.from(content), { mtime: 0, level: 9 });
  return Buffer.from(bytes).toString('base64');
}

/** An element whose content must not change by a byte, because its hash is in the content policy. */
function element(tag: 'script' | 'style', attributes: string, content: string): Html {
  return new Html(`<${tag}${attributes}>${content}</${tag}>`);
}

/** Makes the whole page. It can be read without scripts; the script adds charts, filters and single records. */
export function reportPage(model: ReportModel): string {
  const view = wholeView(model);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${contentPolicy()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${model.title}</title>
        ${element('style', '', PAGE_STYLE)}
      </head>
      <body>
        <a class="skip" href="#records">Skip to the records</a>
        ${masthead(model)}
        <main>
          <section id="filters" class="filters" aria-label="Search and filters" hidden></section>
          <p id="chosen" class="chosen">${chosenWords(model)}</p>
          ${glance(view)}
          <section id="activity" aria-labelledby="activity-title">
            <h2 id="activity-title">Activity</h2>
            <div id="charts" hidden></div>
            <div id="facets" class="facets"></div>
            <noscript
              ><p class="note">
                Charts, search, filters and single records need JavaScript; what follows does not.
              </p></noscript
            >
          </section>
          <section id="compare" aria-labelledby="compare-title" hidden></section>
          ${changing('latency', 'How long it took', view, html`<div id="latency-chart" class="chart"></div>`)}
          ${changing('failures', 'What failed', view)} ${changing('denials', 'What was denied', view)}
          ${changing('touched', 'Which data was touched', view)} ${changing('changes', 'What changed', view)}
          ${missing(model)} ${bothSides(model)} ${personalValues(model)} ${integrity(model)}
          <section id="sessions" aria-labelledby="sessions-title" hidden></section>
          ${records(model)} ${sources(model)}
        </main>
        ${element('script', ' type="application/octet-stream" id="model"', embed(model))}
        ${element('script', '', PAGE_SCRIPT)}
      </body>
    </html> `;
  return page.text;
}

/** The head of the page. */
function masthead({ title, totals, logs, filter, generated, generator }: ReportModel): Html {
  const span = totals.first !== undefined && totals.last !== undefined;
  return html`<header class="masthead">
    <div>
      <p class="kicker">MCP audit log report</p>
      <h1>${title}</h1>
      <p class="period">
        ${span ? html`${timeCell(totals.first ?? '')} to ${timeCell(totals.last ?? '')} UTC` : 'No record'}
      </p>
    </div>
    <dl class="facts">
      <div>
        <dt>Records</dt>
        <dd>${count(totals.records)}</dd>
      </div>
      <div>
        <dt>Logs</dt>
        <dd>${plural(logs.length, 'log')}, ${bytes(logs.reduce((sum, log) => sum + log.bytes, 0))}</dd>
      </div>
      ${
        filter !== '' &&
        html`<div>
          <dt>Only</dt>
          <dd>${filter}</dd>
        </div>`
      }
      <div>
        <dt>Made</dt>
        <dd>${generated !== undefined && html`${timeCell(generated)} UTC, `}${generator}</dd>
      </div>
    </dl>
    <button type="button" id="theme" class="theme" hidden></button>
  </header>`;
}

/** What of the log the page shows, in words: for paper, and until the script has something else to say. */
function chosenWords({ filter, totals }: ReportModel): string {
  const all = `${plural(totals.records, 'record')}, ${plural(totals.operations, 'operation')}`;
  return filter === '' ? `No filter: ${all}.` : `Made with the filter ${filter}: ${all}.`;
}

const ALL_SHOWN: readonly string[] = ['There is no record.', 'The only record can be looked at here.'];

/** The section with single records, which the script fills in. */
function records({ rows, totals, options, logs }: ReportModel): Html {
  const shown = rows.lines.length;
  const { notable } = rows;
  const { text } = commandLine(
    'query',
    options,
    logs.map(({ name }) => name),
  );
  return section(
    'records',
    'Records',
    shown === totals.records
      ? (ALL_SHOWN[totals.records] ?? `All ${plural(totals.records, 'record')} can be looked at here.`)
      : html`<b>${count(shown)}</b> of ${plural(totals.records, 'record')} can be looked at here:
          ${notable.shown === notable.all ? html`all ${count(notable.all)}` : html`the newest ${count(notable.shown)} of ${count(notable.all)}`}
          that were not a plain success, and the newest others. The counts and charts above are of all
          records. All of them: <code>${text}</code>`,
    html`<div id="record-browser"></div>`,
  );
}

/** The section on the logs that were read. */
function sources({ logs }: ReportModel): Html {
  return section(
    'sources',
    'Sources',
    'The logs that were read, each with its files.',
    table(
      'Logs',
      [['Log'], ['Files', 'number'], ['Size', 'number'], ['Records', 'number'], ['From'], ['To']],
      logs.map(
        (log) =>
          html`<tr>
            <th scope="row">${log.name}</th>
            <td class="number" data-label="Files">${count(Math.max(1, log.files.length))}</td>
            <td class="number" data-label="Size">${bytes(log.bytes)}</td>
            <td class="number" data-label="Records">${count(log.records)}</td>
            <td data-label="From">${log.first !== undefined && timeCell(log.first)}</td>
            <td data-label="To">${log.last !== undefined && timeCell(log.last)}</td>
          </tr>`,
      ),
    ),
  );
}
