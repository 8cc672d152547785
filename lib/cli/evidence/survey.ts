import { basename } from 'node:path';
import type { LogInput } from '../input/logs.js';
import { Prefilter } from '../input/prefilter.js';
import type { Problems } from '../input/problems.js';
import { readRecords, totalBytes, type ReadOptions, type RecordVisitor } from '../input/records.js';
import type { LinePlace } from '../input/scanner.js';
import { SequenceCheck } from '../input/sequence.js';
import { counterOf } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';
import { csvHead, csvRow } from '../formats/csv.js';
import { compileFilter, type RecordFilter } from '../query/filter.js';
import { progressBar } from '../term/terminal.js';
import type { CommandIo } from '../shared/command.js';
import type { Control } from './clauses.js';

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
}

/** What the records of one log in the period tell. */
interface PeriodCounts {
  /** Records within the period. */
  within: number;
  /** Places missing in the order, from the first of them on. */
  missing: number;
  /** When the earliest and the latest of them were written; absent where there is none. */
  earliest?: string;
  latest?: string;
}

/** What one reading of the logs tells. */
export interface Survey {
  readonly counts: readonly PeriodCounts[];
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
  /** Takes every record. */
  readonly see?: RecordVisitor;
  /** Takes a record of the period, after `see`. */
  readonly add?: RecordVisitor;
}

/**
 * Finds where the period lies in each log, by the bytes of the lines alone where they are as this package writes them. What is damaged
 * and lies within the period is noticed only when its records are decoded, for {@link survey}.
 */
export async function findBounds(
  logs: readonly LogInput[],
  period: RecordFilter,
  { problems, io, leave }: Pick<ReadOptions, 'problems' | 'leave'> & { readonly io: CommandIo },
): Promise<SliceBounds[]> {
  const all: SliceBounds[] = [];
  const progress = progressBar(io, 'finding the period', totalBytes(logs));
  for (const log of logs) {
    let before = 0;
    let stop: number | undefined;
    const bounds: SliceBounds = { first: -1, end: 0 };
    all.push(bounds);
    const within = (place: LinePlace) => {
      const line = before + place.line - 1;
      if (bounds.first === -1) bounds.first = line;
      bounds.end = line + 1;
    };
    const outside = (time: string, place: LinePlace) => {
      if (period.until !== undefined && time >= period.until) stop ??= before + place.line - 1;
    };
    await readRecords(
      [log],
      (record, _data, _start, _end, place) =>
        period.matches(record) ? within(place) : outside(record.time, place),
      {
        ...{ problems, progress },
        prefilter: period.prefilter() ?? new Prefilter([]),
        admitted: (_data, _start, _end, place) => within(place),
        ruledOut: (_seq, _counter, place, moment) => outside(moment.time, place),
        leave: (file, lines) => {
          before += lines;
          leave?.(file, lines);
        },
      },
    );
    // An empty slice stands where the period would be.
    if (bounds.first === -1) bounds.first = bounds.end = stop ?? before;
  }
  progress.end();
  return all;
}

/** Reads the logs once: what each control's query finds in the period, and how much of it there is. */
export async function survey(
  logs: readonly LogInput[],
  period: RecordFilter,
  controls: readonly Control[],
  { problems, io, see, add }: SurveyOptions,
): Promise<Survey> {
  const tallies = new Map(
    controls.filter(({ query }) => query !== undefined).map((control) => [control.id, new Tally(control)]),
  );
  const counts: PeriodCounts[] = [];
  const progress = progressBar(io, 'reading', totalBytes(logs));
  for (const log of logs) {
    const own: PeriodCounts = { within: 0, missing: 0 };
    counts.push(own);
    const order = new SequenceCheck();
    const name = basename(log.name);
    let before = 0;
    await readRecords(
      [log],
      (record, data, start, end, place) => {
        see?.(record, data, start, end, place);
        const finding = order.see(record.seq, counterOf(record));
        if (!period.matches(record)) return;
        own.within++;
        if (own.earliest === undefined || record.time < own.earliest) own.earliest = record.time;
        if (own.latest === undefined || record.time > own.latest) own.latest = record.time;
        if (finding?.kind === 'hole' && own.within > 1) own.missing += finding.count;
        add?.(record, data, start, end, place);
        if (tallies.size === 0) return;
        const line = before + place.line - 1;
        const bytes = data.subarray(start, end);
        for (const tally of tallies.values()) tally.take(name, line, record, bytes);
      },
      { problems, progress, leave: (_file, lines) => (before += lines) },
    );
  }
  progress.end();
  return { counts, results: new Map([...tallies].map(([id, tally]) => [id, tally.result])) };
}
