import { isPart, PART_FIELDS, RECORD_FIELDS, type FieldKind } from '../../schema/fields.js';
import type { AuditRecord, Outcome } from '../../schema/record.js';
import type { Progress } from '../term/terminal.js';
import { readFault, type LogInput } from './logs.js';
import type { Prefilter } from './prefilter.js';
import type { Problems } from './problems.js';
import {
  LineScanner,
  type LinePlace,
  type LineVisitor,
  type OrderVisitor,
  type ScanEvents,
} from './scanner.js';

/** The beginning of the schema's names. A later version of the schema has further names, which begin the same. */
const PREFIXES: Readonly<Record<string, string>> = {
  event_type: 'EVENT_',
  outcome: 'OUTCOME_',
  severity: 'SEVERITY_',
  sensitivity: 'SENSITIVITY_',
};

/** As this package writes times, or with more digits. Times of this form can be compared as texts. */
const TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3,9}Z$/;
const MOST_INT32 = 2 ** 31 - 1;

/** A record may be nested this deep. The redaction policy cuts off at 128 levels at most, and readers need an end for their stacks. */
const DEEPEST = 1_000;

interface Field {
  readonly required: boolean;
  /** What is wrong with a value; undefined if nothing is. */
  readonly fault: (value: unknown) => string | undefined;
}

/** The known fields of an object. Fields of a later version of the schema are passed over. */
class Shape {
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #required: number;
  readonly #prefix: string;

  /** @param prefix What stands before its fields' names in words, e.g. `mcp.`. */
  constructor(fields: Readonly<Record<string, `${FieldKind}${'?' | ''}`>>, prefix = '') {
    this.#prefix = prefix;
    this.#fields = new Map(
      Object.entries(fields).map(([name, spec]) => {
        const kind = spec.replace('?', '') as FieldKind;
        return [name, { required: kind === spec, fault: faultFinder(`${prefix}${name}`, kind) }];
      }),
    );
    this.#required = [...this.#fields.values()].filter(({ required }) => required).length;
  }

  faultOf(value: object): string | undefined {
    let required = 0;
    for (const key in value) {
      const field = this.#fields.get(key);
      if (field === undefined) continue;
      const fault = field.fault((value as Readonly<Record<string, unknown>>)[key]);
      if (fault !== undefined) return fault;
      if (field.required) required++;
    }
    return required === this.#required ? undefined : `${this.#missing(value)} is missing`;
  }

  #missing(value: object): string {
    const missing = [...this.#fields].find(([name, { required }]) => required && !Object.hasOwn(value, name));
    return `${this.#prefix}${missing?.[0] ?? 'a field'}`;
  }
}

function faultFinder(name: string, kind: FieldKind): Field['fault'] {
  if (isPart(kind)) {
    const shape = new Shape(PART_FIELDS[kind], `${name}.`);
    return (value) => (isObject(value) ? shape.faultOf(value) : `${name} is no object`);
  }
  const is = kind === 'enum' ? begins(PREFIXES[name] ?? '') : KINDS[kind][1];
  const fault = `${name} is ${KINDS[kind][0]}`;
  return (value) => (is(value) ? undefined : fault);
}

type Check = (value: unknown) => boolean;

const KINDS: Readonly<
  Record<Exclude<FieldKind, keyof typeof PART_FIELDS>, readonly [fault: string, is: Check]>
> = {
  text: ['no text', isText],
  enum: ['no name of the schema', isText],
  time: ['no UTC time with milliseconds', isTime],
  number: ['no number', Number.isFinite],
  count: ['no whole number', (value) => Number.isSafeInteger(value) && (value as number) >= 0],
  int32: ['no whole number', (value) => Number.isInteger(value) && Math.abs(value as number) <= MOST_INT32],
  texts: ['no list of texts', (value) => Array.isArray(value) && value.every(isText)],
  json: ['', () => true],
};

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function begins(prefix: string): Check {
  return (value) => typeof value === 'string' && value.startsWith(prefix);
}

/** Refuses days such as 31 February, which `Date.parse` accepts. */
function isTime(value: unknown): boolean {
  const day = typeof value === 'string' ? TIME.exec(value)?.[1] : undefined;
  if (day === undefined || Number(day) <= 28) return day !== undefined;
  const text = value as string;
  return new Date(`${text.slice(0, 19)}Z`).toISOString().startsWith(text.slice(0, 10));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const record = new Shape(RECORD_FIELDS);

/**
 * What keeps an object from being a whole record, in words that quote nothing of it; undefined where it is one. It is one if it has
 * each field that every record has, and each known field holds what such a field holds.
 *
 * @param bytes The length of its line.
 */
function faultOfRecord(value: object, bytes: number): string | undefined {
  // Only a long line can be nested deep.
  if (bytes > 2 * DEEPEST && isDeeper(value, DEEPEST)) return 'it is nested more than 1,000 deep';
  return record.faultOf(value);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const part of Object.values(value)) if (isDeeper(part, levels - 1)) return true;
  return false;
}

/** Takes one record with its bytes, which are valid during the call only. */
export type RecordVisitor = (
  record: AuditRecord,
  data: Buffer,
  start: number,
  end: number,
  place: LinePlace,
) => void;

/** How records are read. */
export interface ReadOptions {
  readonly problems: Problems;
  readonly prefilter?: Prefilter | undefined;
  readonly progress?: Progress;
  /** Called between two chunks of a file: a good time to write out what has gathered. */
  readonly pause?: () => Promise<void> | void;
  /** Called between two chunks of a file: whether enough has been read. */
  readonly enough?: () => boolean;
  /** Takes wanted records undecoded: for a prefilter that decides alone. */
  readonly admitted?: LineVisitor | undefined;
  /** Takes the `seq` of records that the prefilter rules out. */
  readonly ruledOut?: OrderVisitor | undefined;
  /** Called after each file with the number of its lines. */
  readonly leave?: (file: string, lines: number) => void;
}

/**
 * Reads the records of several logs in order, in constant memory. A line that holds no record is reported with its file, line
 * and byte offset, and skipped.
 *
 * @returns How many lines were read.
 */
export async function readRecords(
  logs: readonly LogInput[],
  visit: RecordVisitor,
  options: ReadOptions,
): Promise<number> {
  const { admitted, ruledOut, problems } = options;
  return readLogs(logs, options, (scanner) => {
    const take: RecordVisitor = (record, data, start, end, place) => {
      if (admitted !== undefined || ruledOut !== undefined) scanner().whole.learn(record, data, start, end);
      visit(record, data, start, end, place);
    };
    return { ...decoding(take, problems), admitted, ruledOut };
  });
}

/** As {@link readRecords}, with the lines as they are: whoever takes one decodes it ({@link decodeRecord}). */
export async function readLines(
  logs: readonly LogInput[],
  visit: LineVisitor,
  options: Omit<ReadOptions, 'admitted' | 'ruledOut'>,
): Promise<number> {
  return readLogs(logs, options, () => ({ line: visit, torn: visit }));
}

/** The visitors of the lines of one file, which may ask for its scanner once they are called. */
type VisitorsOf = (scanner: () => LineScanner) => Omit<ScanEvents, 'oversized'>;

async function readLogs(
  logs: readonly LogInput[],
  options: ReadOptions,
  visitorsOf: VisitorsOf,
): Promise<number> {
  let lines = 0;
  for (const log of logs) {
    const before = lines + options.problems.total;
    const files = log.files.length > 0 ? log.files.map(({ path }) => path) : [log.name];
    for (const file of files) {
      if (options.enough?.() === true) return lines;
      const read = await readFile(log, file, options, visitorsOf);
      lines += read;
      options.leave?.(file, read);
    }
    // Of a table, what the filter cannot want was left out before.
    if (lines + options.problems.total === before && log.narrowed === undefined)
      options.problems.report({ file: log.name }, 'is empty: there is no record in it');
  }
  return lines;
}

/** The size of all files together, for a progress bar; 0 if a file is compressed, as its size is not known then. */
export function totalBytes(logs: readonly LogInput[]): number {
  if (logs.some(({ files }) => files.some(({ path }) => path.endsWith('.gz')))) return 0;
  return logs.flatMap(({ files }) => files).reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readFile(
  log: LogInput,
  file: string,
  options: ReadOptions,
  visitorsOf: VisitorsOf,
): Promise<number> {
  const { problems, prefilter, progress, pause, enough } = options;
  const oversized = (place: LinePlace): void =>
    problems.report(place, 'a line of more than 16 MB: not an audit record');
  const scanner: LineScanner = new LineScanner(file, { ...visitorsOf(() => scanner), oversized }, prefilter);
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

function decoding(visit: RecordVisitor, problems: Problems): Pick<ScanEvents, 'line' | 'torn'> {
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
  return { line: take, torn: take };
}

/** The schema versions that this program reads: the profiles `documented` and 0.2 by their names, and the published 1.x. */
const KNOWN_SCHEMA = /^(?:documented|0\.2(?:\.\d+)?|1(?:\.\d+)*)$/;

/** What is wrong with a line. The message quotes nothing of it. */
export class LineFault extends Error {}

/**
 * The record that a line holds: the one way in, for all commands. What comes of it has every field that each record has, and each
 * of the known fields has its type; enum values and further fields may be those of a later schema.
 *
 * @throws {LineFault} when it holds none, or not a whole one.
 */
export function decodeRecord(data: Buffer, start: number, end: number): AuditRecord {
  if (start === end) throw new LineFault('the line is empty');
  const value = parse(data, start, end);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LineFault('not an audit record: JSON, but no object');
  const record = value as Partial<AuditRecord>;
  if (record.record_id === undefined && record.time === undefined && record.outcome === undefined)
    throw new LineFault('not an audit record: a JSON object without record_id, time and outcome');
  const version: unknown = record.metadata?.schema_version;
  if (typeof version === 'string' && !KNOWN_SCHEMA.test(version))
    throw new LineFault(
      `a record of schema version ${/^[\w.+-]{1,20}$/.test(version) ? version : '(unreadable)'}; this program reads 'documented' (1.x) and 0.2`,
    );
  const fault = faultOfRecord(value, end - start);
  if (fault !== undefined) throw new LineFault(`not a whole record: ${fault}`);
  return record as AuditRecord;
}

function parse(data: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(data.toString('utf8', start, end));
  } catch {
    if (isUtf16(data, start))
      throw new LineFault('the file is in UTF-16: convert it to UTF-8, which logs are in');
    const opened = data[start] === 0x7b;
    const closed = data[end - 1] === 0x7d || data[end - 2] === 0x7d;
    throw new LineFault(
      opened && !closed
        ? 'half a line: the record breaks off before its end'
        : 'not an audit record: not JSON',
    );
  }
}

/** Recognises UTF-16, which `>` of Windows PowerShell writes, by its byte order mark or by the zeros that ASCII text has in it. */
function isUtf16(data: Buffer, start: number): boolean {
  const [first, second] = [data[start], data[start + 1]];
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return marked || first === 0 || second === 0;
}

/** Whether a record announces an operation whose completion is a record of its own. */
export function isIntent(record: AuditRecord): boolean {
  return record.stage === 'request_received';
}

/** Whether a record is about the log itself, not about an operation. */
export function isAboutLog(record: AuditRecord): boolean {
  return record.resource.startsWith('audit/');
}

/** The documented schema's name of an outcome that was written in any profile. */
export function canonicalOutcome(outcome: string): Outcome {
  if (outcome === 'OUTCOME_OTHER') return 'OUTCOME_PARTIAL';
  if (outcome === 'OUTCOME_UNKNOWN') return 'OUTCOME_UNSPECIFIED';
  return outcome as Outcome;
}
