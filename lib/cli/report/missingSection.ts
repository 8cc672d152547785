import { plural } from '../term/units.js';
import { html, type Fragment, type Html } from './html.js';
import type { ReportModel } from './model.js';
import { section, table, timeCell } from './sections.js';

type Missing = ReportModel['missing'];

/** What the log shows to be missing. */
export function missing({ missing: found, totals }: ReportModel): Html {
  const lines = findings(found, totals.problems);
  const { holes, gaps } = found;
  return section(
    'missing',
    'What is missing',
    lines.length === 0
      ? 'Nothing that the log could tell of: the order has no hole, no gap record was written, every operation has an outcome.'
      : '',
    html`${
      lines.length > 0 &&
      html`<ul class="findings">
        ${lines}
      </ul>`
    }
    ${holes.length > 0 && faultsOfOrder(holes)} ${gaps.length > 0 && gapRecords(gaps)}`,
  );
}

function findings(
  { places, admitted, unknown, open, disorder, gaps }: Missing,
  problems: number,
): Fragment[] {
  return [
    places > 0 &&
      html`<li>
        <b>${plural(places, 'place')}</b> in the order ${places === 1 ? 'is' : 'are'} empty: records that were
        written are not here, or were never written.
      </li>`,
    admitted > 0 &&
      html`<li>
        <b>${plural(admitted, 'record')}</b> could not be delivered, and the log says so in
        ${plural(gaps.length, 'gap record')}.
      </li>`,
    disorder > 0 &&
      html`<li>
        <b>${plural(disorder, 'record')}</b> ${disorder === 1 ? 'stands' : 'stand'} out of order, or begin the
        count anew.
      </li>`,
    unknown > 0 &&
      html`<li>
        <b>${plural(unknown, 'operation')}</b> ended without anybody seeing how (the process died, for
        instance).
      </li>`,
    open > 0 &&
      html`<li>
        <b>${plural(open, 'operation')}</b> ${open === 1 ? 'was' : 'were'} announced and not completed within
        these logs.
      </li>`,
    problems > 0 &&
      html`<li><b>${plural(problems, 'line')}</b> (or files) could not be read as audit records.</li>`,
  ].filter((line) => line !== false);
}

function faultsOfOrder(holes: Missing['holes']): Html {
  return table(
    'Faults of order',
    [['Where'], ['What'], ['From seq', 'number'], ['Records', 'number']],
    holes.map(
      (hole) =>
        html`<tr>
          <th scope="row">${hole.file}:${hole.line}</th>
          <td>${hole.kind}</td>
          <td class="number">${hole.from}</td>
          <td class="number">${hole.count}</td>
        </tr>`,
    ),
  );
}

function gapRecords(gaps: Missing['gaps']): Html {
  return table(
    'Gap records',
    [['Time'], ['What the record says'], ['Records', 'number']],
    gaps.map(
      (gap) =>
        html`<tr>
          <td>${timeCell(gap.time)}</td>
          <td>${gap.message}</td>
          <td class="number">${gap.count}</td>
        </tr>`,
    ),
  );
}
