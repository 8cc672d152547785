import type { Reading, CommandIo } from '../shared/command.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { Prefilter } from '../input/prefilter.js';
import { readRecords, totalBytes, type RecordVisitor } from '../input/records.js';
import type { LineVisitor, OrderVisitor } from '../input/scanner.js';
import { counterOf } from '../../schema/ids.js';
import { momentOf } from '../input/sequence.js';
import { progressBar } from '../term/terminal.js';
import type { RecordFilter } from './filter.js';

/** The result of a run over logs. */
export interface Selection {
  /** How many lines were read. */
  readonly lines: number;
  /** How many records matched. */
  readonly matched: number;
}

/** How to run over logs. */
export interface SelectOptions {
  readonly io: CommandIo;
  readonly problems: Problems;
  readonly filter: RecordFilter;
  /** Stops after this many matching records. */
  readonly limit?: number | undefined;
  /** The label of the progress bar. */
  readonly label: string;
  readonly pause?: () => Promise<void>;
  /** Told after each record how many were given out, so that the number is right when the reader of the output stops early. */
  readonly reading?: Reading;
  /** Sees every record, wanted or not. No prefilter is used then. */
  readonly inspect?: RecordVisitor;
  /** Sees the order of every record, wanted or not. */
  readonly order?: OrderVisitor;
  /** Takes wanted records without decoding, where their bytes alone decide. `take` gets the others. */
  readonly takeLine?: LineVisitor;
}

/** Passes the records that a filter wants to a visitor. */
export async function select(
  logs: readonly LogInput[],
  take: RecordVisitor,
  options: SelectOptions,
): Promise<Selection> {
  const { io, problems, filter, limit = Infinity, label, pause, inspect, order, reading } = options;
  const takeLine = filter.decidedByBytes && inspect === undefined ? options.takeLine : undefined;
  const { since, until, needles } = filter;
  // Who sees every record, or counts what is missing, needs the others as well.
  const wanted =
    inspect === undefined && order === undefined ? { since, until, needles } : { needles: [], inOrder: true };
  const narrowed = logs.map((log) => log.narrowed?.(wanted) ?? log);
  let matched = 0;
  const progress = progressBar(io, label, totalBytes(logs));
  const lines = await readRecords(
    narrowed,
    (record, data, start, end, place) => {
      inspect?.(record, data, start, end, place);
      order?.(record.seq, counterOf(record), place, momentOf(record), record);
      if (matched >= limit || !filter.matches(record)) return;
      matched++;
      reading?.showed(matched);
      take(record, data, start, end, place);
    },
    {
      problems,
      progress,
      prefilter: inspect === undefined ? (filter.prefilter() ?? new Prefilter([])) : undefined,
      ruledOut: order,
      admitted:
        takeLine &&
        ((data, start, end, place) => {
          if (matched >= limit) return;
          matched++;
          reading?.showed(matched);
          takeLine(data, start, end, place);
        }),
      enough: () => matched >= limit,
      ...(pause === undefined ? {} : { pause }),
    },
  );
  progress.end();
  return { lines, matched };
}
