import type { AuditRecord } from '../../schema/record.js';
import type { Progress } from '../term/progress.js';
import { decodeRecord, LineFault } from './decode.js';
import { readFault, STDIN_NAME, type LogInput } from './logs.js';
import type { Prefilter } from './prefilter.js';
import type { Problems } from './problems.js';
import { LineScanner, type LinePlace, type ScanEvents } from './scanner.js';

/** Takes one record with the bytes that it was read from. They are valid during the call only. */
export type RecordVisitor = (
  record: AuditRecord,
  data: Buffer,
  start: number,
  end: number,
  place: LinePlace,
) => void;

/** How records are to be read. */
export interface ReadOptions {
  readonly problems: Problems;
  readonly prefilter?: Prefilter | undefined;
  readonly progress?: Progress;
  /** Called between two pieces of a file: the time to write out what has gathered. */
  readonly pause?: () => Promise<void> | void;
  /** Asked between two pieces of a file: whether enough has been read. */
  readonly enough?: () => boolean;
  /** Called after each file with the number of its lines. */
  readonly leave?: (file: string, lines: number) => void;
}

/**
 * Reads the records of several logs in their order, in constant memory. Lines that hold no record are reported, with file,
 * line and byte offset, and passed over.
 *
 * @returns How many lines were read.
 */
export async function readRecords(
  logs: readonly LogInput[],
  visit: RecordVisitor,
  options: ReadOptions,
): Promise<number> {
  let lines = 0;
  for (const log of logs) {
    const before = lines + options.problems.total;
    const files = log.files.length > 0 ? log.files.map(({ path }) => path) : [STDIN_NAME];
    for (const file of files) {
      if (options.enough?.() === true) return lines;
      const read = await readFile(log, file, visit, options);
      lines += read;
      options.leave?.(file, read);
    }
    if (lines + options.problems.total === before)
      options.problems.report({ file: log.name }, 'is empty: there is no record in it');
  }
  return lines;
}

/** The size of all files together, for a progress bar; 0 if it is not known. */
export function totalBytes(logs: readonly LogInput[]): number {
  if (logs.some(({ files }) => files.some(({ path }) => path.endsWith('.gz')))) return 0;
  return logs.flatMap(({ files }) => files).reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readFile(
  log: LogInput,
  file: string,
  visit: RecordVisitor,
  { problems, prefilter, progress, pause, enough }: ReadOptions,
): Promise<number> {
  const scanner = new LineScanner(file, lineEvents(visit, problems), prefilter);
  try {
    for await (const chunk of log.read(file)) {
      scanner.feed(chunk);
      progress?.advance(chunk.data.length);
      await pause?.();
      if (enough?.() === true) return scanner.lines;
    }
  } catch (error) {
    problems.report({ file }, readFault(error));
  }
  scanner.finish();
  return scanner.lines;
}

function lineEvents(visit: RecordVisitor, problems: Problems): ScanEvents {
  const take = (data: Buffer, start: number, end: number, place: LinePlace) => {
    let record: AuditRecord;
    try {
      record = decodeRecord(data, start, end);
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      problems.report({ ...place }, error.message);
      return;
    }
    visit(record, data, start, end, place);
  };
  return {
    line: take,
    torn: take,
    oversized: (place) => problems.report(place, 'a line of more than 16 MB: not an audit record'),
  };
}
