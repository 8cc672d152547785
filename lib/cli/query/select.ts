import type { CommandIo, Reading } from '../shared/command.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { Prefilter } from '../input/prefilter.js';
import { decodeRecord, readRecords, totalBytes, type RecordVisitor } from '../input/records.js';
import type { LinePlace, LineVisitor, OrderVisitor } from '../input/scanner.js';
import { counterOf } from '../../schema/ids.js';
import { momentOf } from '../input/sequence.js';
import { progressBar, type Progress } from '../term/terminal.js';
import type { RecordFilter } from './filter.js';
import type { LossReport } from './losses.js';
import type { FileRange } from '../input/ranges.js';
import type { ScannedRange } from './scanRange.js';
import { isWorthThreads, ScanThreads } from './scanThreads.js';

const LF = 0x0a;

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
  readonly losses?: LossReport;
  /** Takes wanted records without decoding, where their bytes alone decide. `take` gets the others. */
  readonly takeLine?: LineVisitor;
  /** Takes wanted lines in place of `take`, each with its line end, many at once, where several threads look for them. */
  readonly takeLines?: (lines: Uint8Array) => void;
  /** Whether `takeLines` needs no lines. */
  readonly countsOnly?: boolean;
}

/** Passes the records that a filter wants to a visitor. Large files are looked through by several threads. */
export async function select(
  logs: readonly LogInput[],
  take: RecordVisitor,
  options: SelectOptions,
): Promise<Selection> {
  const { io, problems, filter, limit = Infinity, label, pause, inspect, losses, reading } = options;
  const takeLine = filter.decidedByBytes && inspect === undefined ? options.takeLine : undefined;
  const narrowed = narrowedLogs(logs, options);
  let matched = 0;
  const progress = progressBar(io, label, totalBytes(logs));
  const threads = threadsFor(narrowed, options, takeLine !== undefined);
  const found = (count: number) => {
    matched += count;
    reading?.showed(matched);
  };
  try {
    const lines = await readRecords(
      narrowed,
      (record, data, start, end, place) => {
        inspect?.(record, data, start, end, place);
        losses?.see(record.seq, counterOf(record), place, momentOf(record), record);
        if (matched >= limit || !filter.matches(record)) return;
        found(1);
        take(record, data, start, end, place);
      },
      {
        problems,
        progress,
        prefilter: inspect === undefined ? (filter.prefilter() ?? new Prefilter([])) : undefined,
        ruledOut: losses?.see,
        admitted:
          takeLine &&
          ((data, start, end, place) => {
            if (matched >= limit) return;
            found(1);
            takeLine(data, start, end, place);
          }),
        enough: () => matched >= limit,
        ...(pause === undefined ? {} : { pause }),
        readFile:
          threads && ((log, file) => readByThreads(threads, log, file, { take, found, progress, options })),
      },
    );
    return { lines, matched };
  } finally {
    await threads?.close();
    progress.end();
  }
}

/** The logs without what a database can leave out. Who sees every record, or counts what is missing, needs the others as well. */
function narrowedLogs(
  logs: readonly LogInput[],
  { filter, inspect, losses }: SelectOptions,
): readonly LogInput[] {
  const { since, until, needles } = filter;
  const wanted =
    inspect === undefined && losses === undefined
      ? { since, until, needles }
      : { needles: [], inOrder: true };
  return logs.map((log) => log.narrowed?.(wanted) ?? log);
}

/** Threads for the files that can be read from any byte on, if those are large. */
function threadsFor(
  logs: readonly LogInput[],
  { io, filter, limit, inspect, losses, countsOnly }: SelectOptions,
  isUndecoded: boolean,
): ScanThreads | undefined {
  if (io.program === undefined || limit !== undefined || inspect !== undefined) return undefined;
  const bytes = logs.flatMap((log) => log.files.map(({ path }) => plainBytes(log, path) ?? 0));
  if (!isWorthThreads(bytes.reduce((sum, size) => sum + size, 0))) return undefined;
  const settings = { source: filter.source, isUndecoded, needsLines: countsOnly !== true };
  return new ScanThreads({ ...settings, needsOrder: losses !== undefined }, io.program);
}

/** The size of a file that can be read from any byte on; nothing for any other. */
function plainBytes({ files, isDecrypted, evidence }: LogInput, file: string): number | undefined {
  if (isDecrypted === true || evidence !== undefined || file.endsWith('.gz')) return undefined;
  return files.find(({ path }) => path === file)?.bytes;
}

/** Where what threads have found goes. */
interface Target {
  readonly take: RecordVisitor;
  readonly found: (count: number) => void;
  readonly progress: Progress;
  readonly options: Pick<SelectOptions, 'problems' | 'losses' | 'takeLines' | 'pause'>;
}

/**
 * Has a file looked through by threads, and gives out what they find as one that reads it line by line would.
 *
 * @returns How many lines were read; nothing for a file that can only be read from its beginning.
 */
export async function readByThreads(
  threads: ScanThreads,
  log: LogInput,
  file: string,
  { take, found, progress, options }: Target,
): Promise<number | undefined> {
  const bytes = plainBytes(log, file);
  if (bytes === undefined) return undefined;
  const { problems, losses, takeLines, pause } = options;
  let lines = 0;
  await threads.read(file, bytes, async (scanned, range) => {
    const tell = ([line, offset, reason]: ScannedRange['problems'][number]) =>
      problems.report({ file, line: lines + line, ...(offset !== undefined && { offset }) }, reason);
    if (losses === undefined) scanned.problems.forEach(tell);
    else seeOrder(losses, scanned, { range, lines, threads, tell });
    found(scanned.matched);
    if (takeLines !== undefined) takeLines(scanned.data);
    else takeEach(scanned.data, file, take);
    lines += scanned.lines;
    progress.advance(Math.min(range.to, bytes) - range.from);
    await pause?.();
    if (scanned.fault !== undefined) problems.report({ file }, scanned.fault);
  });
  return lines;
}

/** Tells of faults in the order and of broken lines in the order of the file. */
function seeOrder(
  losses: LossReport,
  { steps, problems }: ScannedRange,
  { range, lines, threads, tell }: RangeOrder,
): void {
  const { file } = range;
  let told = 0;
  for (const step of steps) {
    const { line, offset } = step;
    for (; told < problems.length && problems[told]![0] < line; told++) tell(problems[told]!);
    if (losses.seeStep(step, { file, line: lines + line, offset })) continue;
    const see: OrderVisitor = (seq, counter, place, moment, record) =>
      losses.see(seq, counter, { ...place, line: lines + place.line }, moment, record);
    threads.own.showOrder(range, line, see, tell);
    return;
  }
  problems.slice(told).forEach(tell);
}

interface RangeOrder {
  readonly range: FileRange;
  /** How many lines of the file stand before the range. */
  readonly lines: number;
  readonly threads: ScanThreads;
  readonly tell: (problem: ScannedRange['problems'][number]) => void;
}

/** Lines that were wanted hold whole records: they were decoded before, or their bytes were decisive. */
function takeEach(data: Uint8Array<ArrayBuffer>, file: string, take: RecordVisitor): void {
  const lines = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const place: LinePlace = { file, line: 0, offset: 0 };
  for (let start = 0, end = lines.indexOf(LF); end !== -1; start = end + 1, end = lines.indexOf(LF, start))
    take(decodeRecord(lines, start, end), lines, start, end, place);
}
