import { OUTCOME_ORDER, type ReportModel } from '../../lib/cli/report/model.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { groupOf } from './counts.js';
import { FACETS, type Choice, type Facet, type State } from './state.js';

/** A record that can be looked at. */
export interface Row {
  readonly record: AuditRecord;
  /** The line, as it was logged. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  /** Its place in OUTCOME_GROUPS. */
  readonly group: number;
  readonly time: number;
}

/** The rows of the model, decoded. */
export function decodeRows({ rows }: ReportModel): Row[] {
  return rows.lines.map(([file, line, offset, text]) => {
    const record = JSON.parse(text) as AuditRecord;
    return {
      record,
      text,
      file: rows.files[file] ?? '',
      line,
      offset,
      group: groupOf(outcomeNumber(record.outcome)),
      time: Date.parse(record.time),
    };
  });
}

/** Names of schema package 0.2 stand for the documented ones. */
function outcomeNumber(name: string): number {
  const documented =
    name === 'OUTCOME_OTHER' ? 'OUTCOME_PARTIAL' : name === 'OUTCOME_UNKNOWN' ? 'OUTCOME_UNSPECIFIED' : name;
  return (OUTCOME_ORDER as readonly string[]).indexOf(documented);
}

const READ: Readonly<Record<Facet, (record: AuditRecord) => string>> = {
  actor: (record) => record.actor_id,
  target: (record) => record.resource,
  server: (record) => record.server_id ?? '(none)',
};

/** The rows that the choice lets through. */
export function chosenRows(rows: readonly Row[], { model, choice }: State): Row[] {
  const tests = FACETS.map((facet) => facetTest(model, choice, facet)).filter((test) => test !== undefined);
  const { outcome, from, to } = choice;
  const { start, step } = model.timeline;
  const low = from === undefined ? -Infinity : start + from * step;
  const high = to === undefined ? Infinity : start + (to + 1) * step;
  const text = choice.text.toLowerCase();
  return rows.filter(
    (row) =>
      (outcome === undefined || row.group === outcome) &&
      (from === undefined || (row.time >= low && row.time < high)) &&
      tests.every((test) => test(row.record)) &&
      (text === '' || row.text.toLowerCase().includes(text)),
  );
}

function facetTest(
  model: ReportModel,
  choice: Choice,
  facet: Facet,
): ((record: AuditRecord) => boolean) | undefined {
  const value = choice[facet];
  if (value === undefined) return undefined;
  const { names, folded } = model.cube[`${facet}s`];
  const read = READ[facet];
  if (folded === 0 || value < names.length - 1) return (record) => read(record) === names[value];
  const others = new Set(names.slice(0, -1));
  return (record) => !others.has(read(record));
}
