import { count, plural } from '../term/units.js';
import type { Difference } from '../input/toolChange.js';
import { cardsOf, TONE_WORDS } from './cards.js';
import { html, Html, timeCell, section, table, type Fragment } from './html.js';
import type { ReportModel } from './model.js';
import { SECTION_VIEWS, type Cell, type Phrase, type TableView, type View } from './views.js';

function phrase(parts: Phrase): Fragment {
  return parts.map((part) => (typeof part === 'string' ? part : html`<b>${part.strong}</b>`));
}

/** The cards at the top of the page: the first questions of an auditor, each with its answer. */
export function glance(view: View): Html {
  const cards = cardsOf(view);
  return html`<section id="glance" aria-labelledby="glance-title">
    <h2 id="glance-title" class="visually-hidden">At a glance</h2>
    <div class="cards${cards.length === 9 && ' nine'}">
      ${cards.map(
        ({ question, tone, answer, detail, more }) =>
          html`<a class="card ${tone}" href="#${more}">
            <span class="question">${question}</span>
            <strong class="answer">${answer}</strong>
            <span class="detail">${phrase(detail)}</span>
            ${tone !== 'calm' && html`<span class="tone">${TONE_WORDS[tone]}</span>`}
          </a>`,
      )}
    </div>
  </section>`;
}

/** A section that changes with what is chosen. `beside` stands beside its table. */
export function changing(id: string, title: string, view: View, beside?: Html): Html {
  const { lead, table: rows } = SECTION_VIEWS[id]!(view);
  const body = html`<div class="changing">${rows !== undefined && tableOf(rows)}</div>`;
  return section(
    id,
    title,
    phrase(lead),
    beside === undefined ? body : html`<div class="split">${beside} ${body}</div>`,
  );
}

function tableOf({ caption, heads, rows }: TableView): Html {
  const name = (index: number) => heads[index]?.[0] ?? '';
  return table(
    caption,
    heads,
    rows.map(
      (cells) =>
        html`<tr>
          ${cells.map((cell, index) => cellOf(cell, name(index)))}
        </tr>`,
    ),
  );
}

/** What a definition said before and says now, place by place. */
function differencesOf(places: readonly Difference[]): Html {
  const list = places.map(
    ({ path, before, after }) => html`
      <dt><code>${path}</code></dt>
      ${before !== undefined && html`<dd><del>${before}</del></dd>`}
      ${after !== undefined && html`<dd><ins>${after}</ins></dd>`}
    `,
  );
  return html`<dl class="difference">${list}</dl>`;
}

function cellOf({ text, kind, note, differences }: Cell, label: string): Html {
  const inner: Fragment =
    kind === 'time'
      ? timeCell(text)
      : kind === 'trace' && text !== ''
        ? html`<code data-trace="${text}">${text}</code>`
        : kind === 'tag'
          ? html`<span class="tag s-${text.replaceAll(' ', '-')}">${text}</span>`
          : text;
  if (differences !== undefined)
    return html`<td data-label="${label}">
      ${differences.length > 0 ? differencesOf(differences) : inner}
      ${note !== undefined && html`<p class="note">${note}</p>`}
    </td>`;
  const quiet = note !== undefined && html` <span class="hint">${note}</span>`;
  if (kind === 'head' || kind === 'target') return html`<th scope="row">${inner}${quiet}</th>`;
  return html`<td class="${kind === 'number' ? 'number' : ''}" data-label="${label}">${inner}${quiet}</td>`;
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
        <td data-label="What">${hole.kind}</td>
        <td class="number" data-label="From seq">${hole.from}</td>
        <td class="number" data-label="Records">${hole.count}</td>
      </tr>`,
  );
  return table('Faults of order', [['Where'], ['What'], ['From seq', 'number'], ['Records', 'number']], rows);
}

function gapTable({ missing: { gaps } }: ReportModel): Fragment {
  if (gaps.length === 0) return undefined;
  const rows = gaps.map(
    (gap) =>
      html`<tr>
        <td data-label="Time">${timeCell(gap.time)}</td>
        <td data-label="What the record says">${gap.message}</td>
        <td class="number" data-label="Records">${gap.count}</td>
      </tr>`,
  );
  return table('Gap records', [['Time'], ['What the record says'], ['Records', 'number']], rows);
}

/** The section on values that concern persons; none where no record has such values. */
export function personalValues({ personal }: ReportModel): Fragment {
  if (personal === undefined) return undefined;
  const { encrypted, opened, erased, withheld, keys, destroyed } = personal;
  const lines: readonly (readonly [number: number, meaning: string])[] = [
    [erased, 'had values that were erased: their key was destroyed, and nobody can read them in any copy.'],
    [encrypted, 'hold values that are encrypted; whoever has the keys can read them (--keys).'],
    [opened, 'had encrypted values that were put back for this page, which is in the clear.'],
    [
      withheld,
      'lack values that never went on record: the person was erased before, or no key could be had.',
    ],
  ];
  return section(
    'personal',
    'Personal values',
    html`Values are encrypted for <b>${plural(keys, 'key')}</b>, one for each person;
      <b>${count(destroyed)}</b> of them ${destroyed === 1 ? 'was' : 'were'} destroyed.`,
    html`<ul class="findings">
      ${lines
        .filter(([number]) => number > 0)
        .map(([number, meaning]) => html`<li><b>${plural(number, 'record')}</b> ${meaning}</li>`)}
    </ul>`,
  );
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
              <td data-label="Result">${result}</td>
              <td data-label="By">${by}</td>
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
