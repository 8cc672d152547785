import { bytes, count, duration, plural } from '../term/units.js';
import { outcomeCount } from './glance.js';
import { html, Html, type Fragment } from './html.js';
import type { FailureGroup, ReportModel } from './model.js';

/** `2026-01-15T09:30:00.125Z` as people read it. */
export function readableTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)}`;
}

/** A time, as people and as machines read it. */
export function timeCell(time: string): Html {
  return html`<time datetime="${time}">${readableTime(time)}</time>`;
}

/** A table that scrolls sideways by itself where the page is too narrow. */
export function table(
  caption: string,
  heads: readonly (readonly [name: string, kind?: 'number'])[],
  rows: readonly Html[],
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption class="visually-hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads.map(([name, kind]) => html`<th scope="col" class="${kind ?? ''}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** One section of the page, with its heading and its lead. */
export function section(id: string, title: string, lead: Fragment, body: Fragment): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <p class="lead">${lead}</p>
    ${body}
  </section> `;
}

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

function groups(caption: string, rows: readonly FailureGroup[], kind: string): Html {
  return table(
    caption,
    [[kind], ['Of'], ['By'], ['Times', 'number'], ['Last'], ['Trace of the last']],
    rows.map(
      ({ type, target, actors, count: times, last, trace }) =>
        html`<tr>
          <th scope="row">${type}</th>
          <td class="name">${target}</td>
          <td>${actors.slice(0, 2).join(', ')}${actors.length > 2 && ' …'}</td>
          <td class="number">${count(times)}</td>
          <td>${timeCell(last)}</td>
          <td><code data-trace="${trace}">${trace}</code></td>
        </tr>`,
    ),
  );
}

/** What ended in an error. */
export function failures(model: ReportModel): Html {
  const errors = outcomeCount(model, 'OUTCOME_FAILURE_ERROR');
  const listed = model.failures.reduce((sum, group) => sum + group.count, 0);
  return section(
    'failures',
    'What failed',
    errors === 0
      ? 'No operation ended in an error.'
      : html`${plural(errors, 'operation')} ended in an
        error${listed < errors && html`; the ${model.failures.length} most frequent kinds are listed, ${count(listed)} operations`}.`,
    errors > 0 && groups('Failures by kind', model.failures, 'Error'),
  );
}

/** Who was refused what. */
export function denials(model: ReportModel): Html {
  const refused =
    outcomeCount(model, 'OUTCOME_FAILURE_DENIED') + outcomeCount(model, 'OUTCOME_FAILURE_UNAUTHORIZED');
  return section(
    'denials',
    'What was denied',
    refused === 0 ? 'Nobody was refused anything.' : `${plural(refused, 'operation')} met a refusal.`,
    refused > 0 && groups('Refusals by kind', model.denials, 'Reason'),
  );
}

/** Which data was read or worked on. */
export function touched({ touched: rows }: ReportModel): Html {
  return section(
    'touched',
    'Which data was touched',
    rows.length === 0
      ? 'No tool was called, no resource read.'
      : html`The ${rows.length} most sensitive tools and resources, by the sensitivity that their records
        state.`,
    rows.length > 0 &&
      table(
        'Data touched',
        [
          ['Tool or resource'],
          ['Sensitivity'],
          ['Operations', 'number'],
          ['Not successful', 'number'],
          ['Actors', 'number'],
          ['Last'],
        ],
        rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.name}</th>
              <td>
                <span class="tag s-${sensitivityWord(row.sensitivity).replaceAll(' ', '-')}"
                  >${sensitivityWord(row.sensitivity)}</span
                >
              </td>
              <td class="number">${count(row.count)}</td>
              <td class="number">${count(row.failed)}</td>
              <td class="number">${count(row.actors)}</td>
              <td>${timeCell(row.last)}</td>
            </tr>`,
        ),
      ),
  );
}

function sensitivityWord(name: string): string {
  return name.replace('SENSITIVITY_', '').replaceAll('_', ' ').toLowerCase();
}

/** Tools whose definitions changed. */
export function changes({ changes: rows }: ReportModel): Html {
  return section(
    'changes',
    'What changed',
    rows.length === 0
      ? 'No tool definition changed while it was in use.'
      : 'A tool whose definition changes after it was approved may do something else than it did. Each change, as the client noticed it:',
    rows.length > 0 &&
      table(
        'Changed tool definitions',
        [['Noticed'], ['Tool'], ['Server'], ['What the record says'], ['Trace']],
        rows.map(
          (row) =>
            html`<tr>
              <td>${timeCell(row.time)}</td>
              <th scope="row">${row.tool}</th>
              <td>${row.server}</td>
              <td>${row.message}</td>
              <td><code data-trace="${row.trace}">${row.trace}</code></td>
            </tr>`,
        ),
      ),
  );
}

const INTEGRITY_LEADS: Readonly<Record<ReportModel['integrity']['status'], string>> = {
  intact: 'The log was verified against its signed checkpoint while this report was made.',
  broken: 'The log does not agree with its checkpoint: do not rely on what stands above.',
  unsealed: 'No checkpoint lies beside the log: nothing here can show whether it was altered.',
  unchecked: 'The log was not verified while this report was made.',
};

/** Whether the log is as it was written. */
export function integrity({ integrity: { status, findings, vkey, checkpoint } }: ReportModel): Html {
  return section(
    'integrity',
    'Is it intact',
    INTEGRITY_LEADS[status],
    html`${
      findings.length > 0 &&
      html`<ul class="findings">
        ${findings.map((finding) => html`<li>${finding}</li>`)}
      </ul>`
    }
    ${
      vkey !== undefined &&
      html`<h3>Verifier key</h3>
        <pre class="block">${vkey}</pre>
        <p class="note">
          Compare it with the copy that you were given by another way: a key that travels with the log proves
          nothing by itself.
        </p>`
    }
    ${
      checkpoint !== undefined &&
      html`<h3>Newest checkpoint</h3>
        <pre class="block">${checkpointLines(checkpoint)}</pre>`
    }`,
  );
}

/** A checkpoint has lines, which escaping as one text would hide. */
function checkpointLines(text: string): Fragment {
  const lines = text.trimEnd().split('\n');
  return lines.map((line, index) => [line, index < lines.length - 1 && new Html('\n')]);
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
