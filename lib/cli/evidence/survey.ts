import { basename } from 'node:path';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { readRecords, totalBytes, type RecordVisitor } from '../input/records.js';
import { SequenceCheck } from '../input/sequence.js';
import { counterOf } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';
import { csvHead, csvRow } from '../formats/csv.js';
import { compileFilter, type RecordFilter } from '../query/filter.js';
import { progressBar } from '../term/terminal.js';
import type { CommandIo } from '../shared/command.js';
import type { Control } from './controls.js';

/** So many records that answer a query are listed; all are counted. */
const LISTED = 10_000;
const RESULT_FIELDS = [
  'log',
  'line',
  'record_id',
  'time',
  'actor_id',
  'event_type',
  'outcome',
  'resource',
  'server_id',
  'trace_id',
];

/** The part of a log that a period lies in. */
export interface SliceBounds {
  /** The first line of it, from 0 in the whole log; where it would be, if no record lies in the period. */
  first: number;
  /** The line after its last. */
  end: number;
  /** Records within the period. */
  within: number;
  /** Places missing in the order, within the slice. */
  missing: number;
}

/** What one reading of the logs tells. */
export interface Survey {
  readonly bounds: readonly SliceBounds[];
  readonly results: ReadonlyMap<
    string,
    { readonly count: number; readonly listed: number; readonly csv: string }
  >;
}

/** Counts the answers to one control's query. */
class Tally {
  readonly #filter: RecordFilter;
  /** A text that decides alone. */
  readonly #text: string | undefined;
  readonly #rows: string[] = [];
  count = 0;

  constructor({ query = {} }: Control) {
    this.#filter = compileFilter(query);
    const [texts] = this.#filter.needles;
    if (query.contains !== undefined && this.#filter.decidedByBytes && texts?.length === 1)
      this.#text = texts[0];
  }

  /** @param bytes The line of the record: cheaper to search for a text than all values of the record. */
  take(log: string, line: number, record: AuditRecord, bytes: Buffer): void {
    const matches = this.#text === undefined ? this.#filter.matches(record) : bytes.includes(this.#text);
    if (!matches) return;
    this.count++;
    // What asks for everything is answered by the slice itself.
    if (this.#filter.empty || this.#rows.length >= LISTED) return;
    const { record_id, time, actor_id, event_type, outcome, resource, server_id, trace_id } = record;
    this.#rows.push(
      csvRow([log, line, record_id, time, actor_id, event_type, outcome, resource, server_id, trace_id]),
    );
  }

  get result() {
    const csv =
      this.#rows.length === 0 ? '' : csvHead(RESULT_FIELDS.map((name) => [name])) + this.#rows.join('');
    return { count: this.count, listed: this.#rows.length, csv };
  }
}

/** How logs are surveyed. */
export interface SurveyOptions {
  readonly problems: Problems;
  readonly io: CommandIo;
  /** Where the period ends: an empty slice stands there. */
  readonly until?: string | undefined;
  /** Takes every record. */
  readonly see?: RecordVisitor;
  /** Takes a record of the period, after `see`. */
  readonly add?: RecordVisitor;
}

/** Reads the logs once: where the period lies in each, and what each control's query finds in it. */
export async function survey(
  logs: readonly LogInput[],
  period: RecordFilter,
  controls: readonly Control[],
  { problems, io, until, see, add }: SurveyOptions,
): Promise<Survey> {
  const tallies = new Map(
    controls.filter(({ query }) => query !== undefined).map((control) => [control.id, new Tally(control)]),
  );
  const bounds: SliceBounds[] = [];
  const progress = progressBar(io, 'reading', totalBytes(logs));
  for (const log of logs) {
    const own: SliceBounds = { first: -1, end: 0, within: 0, missing: 0 };
    bounds.push(own);
    const order = new SequenceCheck();
    const name = basename(log.name);
    let before = 0;
    let stop: number | undefined;
    await readRecords(
      [log],
      (record, data, start, end, place) => {
        const line = before + place.line - 1;
        see?.(record, data, start, end, place);
        const finding = order.see(record.seq, counterOf(record));
        if (until !== undefined && record.time >= until) stop ??= line;
        if (!period.matches(record)) return;
        if (own.first === -1) own.first = line;
        own.end = line + 1;
        own.within++;
        if (finding?.kind === 'hole' && own.within > 1) own.missing += finding.count;
        add?.(record, data, start, end, place);
        if (tallies.size === 0) return;
        const bytes = data.subarray(start, end);
        for (const tally of tallies.values()) tally.take(name, line, record, bytes);
      },
      { problems, progress, leave: (_file, lines) => (before += lines) },
    );
    // An empty slice stands where the period would be.
    if (own.first === -1) own.first = own.end = stop ?? before;
  }
  progress.end();
  return { bounds, results: new Map([...tallies].map(([id, tally]) => [id, tally.result])) };
}
