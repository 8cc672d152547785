import type { Reading } from '../shared/reading.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { Prefilter } from '../input/prefilter.js';
import { readRecords, totalBytes, type RecordVisitor } from '../input/records.js';
import type { LineVisitor, OrderVisitor } from '../input/scanner.js';
import { counterOf } from '../../schema/ids.js';
import { SequenceCheck, type SequenceFinding } from '../input/sequence.js';
import { printable } from '../../internal/text.js';
import { palette, progressBar } from '../term/terminal.js';
import { plural } from '../term/units.js';
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
  /** Sees the `seq` of every record, wanted or not, who counted it, and its place. */
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
      order?.(record.seq, counterOf(record), place);
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

/** Reports on stderr where records are missing in a log. Leads to exit code 1 if any are. */
export class HoleReport {
  readonly #io: CommandIo;
  readonly #json: boolean;
  readonly #logs = new Map<string, SequenceCheck>();
  readonly #logOf = new Map<string, string>();
  found = 0;

  constructor(io: CommandIo, json: boolean, logs: readonly LogInput[]) {
    this.#io = io;
    this.#json = json;
    for (const { name, files } of logs) for (const { path } of files) this.#logOf.set(path, name);
  }

  readonly see: OrderVisitor = (seq, counter, place) => {
    const log = this.#logOf.get(place.file) ?? place.file;
    let check = this.#logs.get(log);
    if (check === undefined) this.#logs.set(log, (check = new SequenceCheck()));
    const finding = check.see(seq, counter);
    if (finding !== undefined) this.#say(finding, place);
  };

  exitCode(lossRecords: number): number {
    return this.found + lossRecords > 0 ? ExitCode.finding : ExitCode.ok;
  }

  #say(
    finding: SequenceFinding,
    { file, line, offset }: { file: string; line: number; offset: number },
  ): void {
    this.found++;
    if (this.#json) {
      this.#io.stderr.write(`${JSON.stringify({ finding: finding.kind, ...finding, file, line, offset })}\n`);
      return;
    }
    const { yellow } = palette(this.#io.stderr, this.#io.env);
    const where = yellow(`${printable(file)}:${line} (byte ${offset}):`);
    this.#io.stderr.write(`${where} ${sequenceText(finding)}\n`);
  }
}

/** The words for a finding about the order. */
function sequenceText({ kind, from, count }: SequenceFinding): string {
  if (kind === 'hole')
    return `${plural(count, 'record')} missing before this one: seq ${from}${count > 1 ? ` to ${from + count - 1}` : ''}`;
  return kind === 'restart' ? 'counting starts anew: seq 0 again' : `seq ${from} again, or out of order`;
}
