import { isReadOnce, type LogInput } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { isRequest } from '../input/request.js';
import type { CommandIo } from '../shared/command.js';
import { count, duration, plural } from '../term/units.js';
import {
  clockWords,
  findDifferences,
  IN_WORDS,
  MAX_TRANSPORT_MS,
  type Difference,
  type Finding,
  type Reason,
} from '../reconcile/findings.js';
import { pairRecords } from '../reconcile/pairing.js';
import { readSides } from '../reconcile/read.js';
import type { Entry } from '../reconcile/store.js';
import type { AuditRecord } from '../../schema/record.js';
import { commandLine } from './commandLine.js';
import { html, section, table, timeCell, type Fragment, type Html } from './html.js';
import type { BothSides, Comparison, ReportModel } from './model.js';

/** How many requests are listed. All are counted. */
const LISTED = 100;
/** How many records of requests are compared: they are held in memory, in about 180 bytes each. */
const MOST_COMPARED = 2_000_000;

/** Counts the records of requests of each side, to tell whether logs of both are there. */
export class SideCount {
  client = 0;
  server = 0;

  see(record: AuditRecord): void {
    if (!isRequest(record)) return;
    this[record.mcp.side === 'server' ? 'server' : 'client']++;
  }
}

/**
 * Compares both sides of the requests, as `reconcile` does, in a second reading of the logs: most reports are of one side, and need not
 * hold a record of each request while they read.
 *
 * @param logs The logs as they are stored, without encrypted values put back: `reconcile` compares these too.
 * @param most How many records of requests are compared at most.
 * @returns Nothing where the logs hold records of one side only.
 */
export async function compareSides(
  logs: readonly LogInput[],
  { client, server }: SideCount,
  io: CommandIo,
  most: number = MOST_COMPARED,
): Promise<BothSides | undefined> {
  if (client === 0 || server === 0) return undefined;
  if (logs.some(isReadOnce)) return { not_compared: 'standard_input' };
  if (client + server > most) return { not_compared: 'too_many' };
  // What cannot be read was reported when the logs were read first.
  const problems = new Problems(io, false, true);
  const store = await readSides(logs, { problems, io, label: 'comparing both sides' });
  const wrong: Finding[] = [];
  const explained: Finding[] = [];
  let all = 0;
  const summary = findDifferences(store, pairRecords(store), MAX_TRANSPORT_MS, (isExplained, make) => {
    all++;
    const kept = isExplained ? explained : wrong;
    if (kept.length < LISTED) kept.push(make());
  });
  const findings = [...wrong, ...explained].slice(0, LISTED);
  return { ...summary, unreadable: problems.total, findings, omitted: all - findings.length };
}

/** Why nothing was compared, in words. */
const NOT_COMPARED: Readonly<Record<'standard_input' | 'too_many', string>> = {
  standard_input: 'standard input can be read only once, and comparing needs a second reading',
  too_many: `there are more than ${count(MOST_COMPARED)} records of requests`,
};

/** The comparison in one line. */
export function bothSidesWords(found: BothSides): string {
  if ('not_compared' in found) return `not compared: ${NOT_COMPARED[found.not_compared]}`;
  const { pairs, alike, different, unexplained } = found;
  const wrong = [
    different > 0 && `${count(different)} different`,
    unexplained > 0 && `${plural(unexplained, 'record')} of one side missing on the other`,
  ].filter(Boolean);
  return [`${count(alike)} of ${plural(pairs, 'request')} alike`, ...wrong].join(', ');
}

const DIFFERENCE_WORDS: Readonly<Record<Difference, string>> = {
  arguments: 'what arrived is not what the client committed to',
  commitment: "what arrived is what the request claimed, and the client's record claims something else",
  result: 'what the client got is not what the server sent',
  target: 'another tool or prompt',
  outcome: 'another outcome or kind of answer',
  repeated: 'the server answered more often than the client asked',
  duration: 'the client waited much longer than the server worked, or shorter',
};

/** The section on requests of which both sides are on record; none where the logs are of one side. */
export function bothSides({ bothSides: found, logs }: ReportModel): Fragment {
  if (found === undefined) return undefined;
  const { text } = commandLine(
    'reconcile',
    { all: true },
    logs.map(({ name }) => name),
  );
  const command = html`<code>${text}</code>`;
  if ('not_compared' in found)
    return section(
      'both-sides',
      'Both sides',
      html`The logs of clients and of servers were <b>not compared</b>: ${NOT_COMPARED[found.not_compared]}.
        This command compares files of any size: ${command}`,
      undefined,
    );
  return section('both-sides', 'Both sides', leadOf(found), [
    html`<ul class="findings">
      ${linesOf(found)}
    </ul>`,
    findingTable(found),
    html`<p class="note">
      ${found.omitted > 0 && html`The table holds ${count(found.findings.length)} of ${count(found.findings.length + found.omitted)}. `}
      The reasons are what the logs suggest, and no proof. All of it, with the ways in which records were
      paired: ${command}
    </p>`,
  ]);
}

function leadOf({ pairs, alike, different, only_client: client, only_server: server }: Comparison): Html {
  return html`<b>${plural(pairs, 'request')}</b> ${pairs === 1 ? 'is' : 'are'} on record on both sides:
    ${count(alike)} alike, ${count(different)} different. On one side only: ${plural(client, 'record')} of
    clients, ${count(server)} of servers.`;
}

/** How many requests there are of each difference and of each reason, what was compared, and how the clocks differ. */
function linesOf(found: Comparison): Html[] {
  const { pairs, differences, reasons, compared, clock_ahead_ms: ahead, unreadable } = found;
  const ofDifferences = Object.entries(differences).map(
    ([difference, number]) =>
      html`<li>
        <b>${plural(number, 'request')}</b> ${number === 1 ? 'differs' : 'differ'} in ${difference}:
        ${DIFFERENCE_WORDS[difference as Difference]}.
      </li>`,
  );
  const ofReasons = Object.entries(reasons).map(
    ([reason, number]) =>
      html`<li><b>${plural(number, 'record')}</b> on one side only: ${IN_WORDS[reason as Reason]}.</li>`,
  );
  return [
    ...ofDifferences,
    ...ofReasons,
    ...(pairs === 0
      ? []
      : [
          html`<li>
            Arguments of <b>${count(compared.arguments)}</b> and results of <b>${count(compared.result)}</b>
            were compared by commitments${compared.arguments < pairs && '; the others have none to compare'}.
          </li>`,
        ]),
    ...(ahead === undefined ? [] : [html`<li>Clocks: ${clockWords(ahead)}.</li>`]),
    ...(unreadable === 0
      ? []
      : [
          html`<li>
            <b>${plural(unreadable, 'line or file', 'lines or files')}</b> could not be read: what they held
            is not compared.
          </li>`,
        ]),
  ];
}

function findingTable({ findings }: Comparison): Fragment {
  if (findings.length === 0) return undefined;
  const rows = findings.map((finding) => {
    const { method, target, client, server } = finding;
    const said =
      finding.kind === 'different' ? `differ in ${finding.in.join(', ')}` : IN_WORDS[finding.reason];
    const isExplained = finding.kind === 'one_side' && finding.explained;
    return html`<tr>
      <th scope="row">
        ${target ?? method}${target !== undefined && html` <span class="hint">${method}</span>`}
      </th>
      <td data-label="What">${said}${isExplained && html` <span class="side">as it should be</span>`}</td>
      <td data-label="Client">${sideOf(client)}</td>
      <td data-label="Server">${sideOf(server)}</td>
    </tr>`;
  });
  return table(
    'Requests that differ, or are on one side only',
    [['Request'], ['What'], ['Client'], ['Server']],
    rows,
  );
}

function sideOf(entry: Entry | undefined): Fragment {
  if (entry === undefined) return 'no record';
  const { log, line, record_id: id, time, outcome, error, duration_ms: took } = entry;
  const ended = outcome.replace(/^OUTCOME_(?:FAILURE_)?/, '').toLowerCase();
  return html`<code data-record="${id}">${id}</code>
    <span class="side"
      >${timeCell(time)}, ${[ended, error].filter(Boolean).join(': ')}, ${duration(took)};
      ${log}:${line}</span
    >`;
}
