import { bytes, count, duration, plural } from '../term/units.js';
import { html, type Html } from './html.js';
import type { ReportModel } from './model.js';
import { section, table, timeCell } from './parts.js';

/** The head of the page. */
export function masthead({ title, totals, logs, filter, generated, generator }: ReportModel): Html {
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

/** How long operations took. */
export function latency({ latency: { quantiles, targets } }: ReportModel): Html {
  const cells = (row: typeof quantiles) =>
    [row.p50, row.p95, row.p99, row.max].map((ms) => html`<td class="number">${duration(ms)}</td>`);
  const rows = targets.map(
    (row) =>
      html`<tr>
        <th scope="row">${row.name}</th>
        <td class="number">${count(row.count)}</td>
        ${cells(row)}
      </tr>`,
  );
  return section(
    'latency',
    'How long it took',
    html`Half of all operations ended within <b>${duration(quantiles.p50)}</b>, 99 of 100 within
      <b>${duration(quantiles.p99)}</b>; the longest took ${duration(quantiles.max)}. Quantiles are right
      within 6 %.`,
    html`<div class="split">
      <div id="latency-chart" class="chart"></div>
      ${table(
        'Latency of the busiest targets',
        [
          ['Target'],
          ['Operations', 'number'],
          ['p50', 'number'],
          ['p95', 'number'],
          ['p99', 'number'],
          ['Longest', 'number'],
        ],
        rows,
      )}
    </div>`,
  );
}

/** The records themselves: the script fills this in. */
export function records({ rows, totals }: ReportModel): Html {
  const shown = rows.lines.length;
  const { notable } = rows;
  return section(
    'records',
    'Records',
    shown === totals.records
      ? html`All ${plural(totals.records, 'record')} can be looked at here.`
      : html`<b>${count(shown)}</b> of ${plural(totals.records, 'record')} can be looked at here:
          ${notable.shown === notable.all ? html`all ${count(notable.all)}` : html`the newest ${count(notable.shown)} of ${count(notable.all)}`}
          that were not a plain success, and the newest others. The counts and charts above are of all
          records. For the rest: <code>otel-mcp-log query</code>.`,
    html`<div id="record-browser"></div>`,
  );
}

/** Where it all comes from. */
export function sources({ logs }: ReportModel): Html {
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
            <td class="number">${count(Math.max(1, log.files.length))}</td>
            <td class="number">${bytes(log.bytes)}</td>
            <td class="number">${count(log.records)}</td>
            <td>${log.first !== undefined && timeCell(log.first)}</td>
            <td>${log.last !== undefined && timeCell(log.last)}</td>
          </tr>`,
      ),
    ),
  );
}
