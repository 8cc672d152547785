import { count, plural } from '../term/units.js';
import { outcomeCount } from './glance.js';
import { html, Html, type Fragment, section, table, timeCell } from './html.js';
import type { FailureGroup, ReportModel } from './model.js';

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

/** The section on operations that ended in an error. */
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

/** The section on operations that were refused. */
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

/** The section on the data that was touched. */
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

/** The section on tools whose definitions changed. */
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
        [['Noticed'], ['Tool'], ['Server'], ['What it said, and says'], ['Trace']],
        rows.map(
          (row) =>
            html`<tr>
              <td>${timeCell(row.time)}</td>
              <th scope="row">${row.tool}</th>
              <td>${row.server}</td>
              <td>${differences(row)}</td>
              <td><code data-trace="${row.trace}">${row.trace}</code></td>
            </tr>`,
        ),
      ),
  );
}

/** What a definition said before and says now, place by place; what the record says where no text is kept. */
function differences({ differences: places, note, message }: ReportModel['changes'][number]): Html {
  const list = places.map(
    ({ path, before, after }) => html`
      <dt><code>${path}</code></dt>
      ${before !== undefined && html`<dd><del>${before}</del></dd>`}
      ${after !== undefined && html`<dd><ins>${after}</ins></dd>`}
    `,
  );
  return html`${places.length === 0 && message}${places.length > 0 && html`<dl class="difference">${list}</dl>`}
  ${note !== undefined && html`<p class="note">${note}</p>`}`;
}

/** The section on what is missing, as far as the logs show it. */
export function missing(model: ReportModel): Html {
  const lines = missingLines(model);
  return section(
    'missing',
    'What is missing',
    lines.length === 0
      ? 'Nothing that the log could tell of: the order has no hole, no gap record was written, every operation has an outcome.'
      : '',
    [
      lines.length > 0 &&
        html`<ul class="findings">
          ${lines}
        </ul>`,
      holeTable(model),
      gapTable(model),
    ],
  );
}

/** One line for each way in which something is missing, with the number and its meaning. */
function missingLines({ missing: found, totals, integrity: { sessions } }: ReportModel): Html[] {
  const { places, admitted, unknown, open, disorder, gaps } = found;
  const are = (number: number, one: string, several: string) => (number === 1 ? one : several);
  const lines: readonly (readonly [number: number, noun: string, meaning: string])[] = [
    [
      places,
      'place',
      `in the order ${are(places, 'is', 'are')} empty: records that were written are not here, or were never written.`,
    ],
    [
      admitted,
      'record',
      `could not be delivered, and the log says so in ${plural(gaps.length, 'gap record')}.`,
    ],
    [
      disorder,
      'record',
      `${are(disorder, 'stands', 'stand')} out of order, or ${are(disorder, 'begins', 'begin')} the count anew.`,
    ],
    [unknown, 'operation', 'ended without anybody seeing how (the process died, for instance).'],
    [open, 'operation', `${are(open, 'was', 'were')} announced and not completed within these logs.`],
    [
      sessions?.different ?? 0,
      'session',
      'lacks requests that went over the wire, by the count in the record that closes it: never recorded, lost, or filtered.',
    ],
    [
      sessions?.open ?? 0,
      'session',
      `${are(sessions?.open ?? 0, 'was', 'were')} not closed: nothing says whether all requests are on record.`,
    ],
    [totals.problems, 'line', '(or files) could not be read as audit records.'],
  ];
  return lines
    .filter(([number]) => number > 0)
    .map(([number, noun, meaning]) => html`<li><b>${plural(number, noun)}</b> ${meaning}</li>`);
}

function holeTable({ missing: { holes } }: ReportModel): Fragment {
  if (holes.length === 0) return undefined;
  const rows = holes.map(
    (hole) =>
      html`<tr>
        <th scope="row">${hole.file}:${hole.line}</th>
        <td>${hole.kind}</td>
        <td class="number">${hole.from}</td>
        <td class="number">${hole.count}</td>
      </tr>`,
  );
  return table('Faults of order', [['Where'], ['What'], ['From seq', 'number'], ['Records', 'number']], rows);
}

function gapTable({ missing: { gaps } }: ReportModel): Fragment {
  if (gaps.length === 0) return undefined;
  const rows = gaps.map(
    (gap) =>
      html`<tr>
        <td>${timeCell(gap.time)}</td>
        <td>${gap.message}</td>
        <td class="number">${gap.count}</td>
      </tr>`,
  );
  return table('Gap records', [['Time'], ['What the record says'], ['Records', 'number']], rows);
}

/** The section on whether the log is as it was written. */
export function integrity({ integrity: { title, findings, checks, vkey, checkpoint } }: ReportModel): Html {
  const [verdict, ...others] = findings;
  return section(
    'integrity',
    'Is it intact',
    verdict === undefined ? title : html`<b>${title}.</b> ${verdict}`,
    html`${
      others.length > 0 &&
      html`<ul class="findings">
        ${others.map((finding) => html`<li>${finding}</li>`)}
      </ul>`
    }
    ${
      checks.length > 0 &&
      table(
        'What was checked',
        [['Checked'], ['Result'], ['By']],
        checks.map(
          ({ what, by, result }) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td>${result}</td>
              <td>${by}</td>
            </tr>`,
        ),
      )
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

/** Escapes each line of a checkpoint by itself, because escaping the whole text would hide the line ends. */
function checkpointLines(text: string): Fragment {
  const lines = text.trimEnd().split('\n');
  return lines.map((line, index) => [line, index < lines.length - 1 && new Html('\n')]);
}
