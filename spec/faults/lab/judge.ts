import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { AuditRecord } from '../../../lib/schema/record.js';
import type { Findings } from './attack.js';
import type { Said } from './scene.js';

/** A log as whoever reads it finds it, by means that are not the package's own. */
export interface FoundLog {
  readonly records: AuditRecord[];
  /** Lines that are no record. */
  readonly broken: string[];
}

/** Reads the parts of a log in their order, or the files that are given. */
export function readLog(path: string, files: readonly string[] = partsOf(path)): FoundLog {
  const found: FoundLog = { records: [], broken: [] };
  for (const file of files) {
    const bytes = readFileSync(file);
    const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
    if (lines.pop() !== '') found.broken.push(`${basename(file)} ends with half a line`);
    for (const line of lines) {
      try {
        found.records.push(JSON.parse(line) as AuditRecord);
      } catch {
        found.broken.push(`a line of ${basename(file)} is no JSON`);
      }
    }
  }
  return found;
}

/** The files of a log, oldest first. */
export function partsOf(path: string): string[] {
  const name = basename(path);
  const parts = readdirSync(dirname(path))
    .filter((each) => each.startsWith(`${name}.`) && /^\d{6}(\.gz)?$/.test(each.slice(name.length + 1)))
    .sort();
  return [...parts.map((each) => join(dirname(path), each)), ...(existsSync(path) ? [path] : [])];
}

/** How a log was written, as far as it matters to what must be in it. */
export interface Terms {
  readonly mode?: 'blocking' | 'blocking-strict' | 'batch';
  /** Whether the process was ended before it could deliver what it held: then `batch` promises nothing. */
  readonly cut?: boolean;
  /** Whether the log may begin or go on at any number, as when another program has rotated it. */
  readonly anySeq?: boolean;
  /** Whether the log is a receiver's, which goes by `record_id` and `seq`: it may be given a record twice. */
  readonly repeats?: boolean;
}

/** The work of `children/writer.mjs`: every fifth one fails. */
const expected = (number: number) => (number % 5 === 4 ? 'OUTCOME_FAILURE_ERROR' : 'OUTCOME_SUCCESS');
const numberOf = ({ resource }: AuditRecord) => Number(/^call\/(\d+)$/.exec(resource)?.[1] ?? NaN);

/** Holds what a writer's callers were told against what the log says. */
export function judge(said: readonly Said[], log: FoundLog, terms: Terms = {}): Findings {
  const records = terms.repeats === true ? withoutRepeats(log.records) : log.records;
  const work = records.filter((record) => !Number.isNaN(numberOf(record)));
  const finished = work.filter(
    ({ stage, error }) => stage === undefined && error?.type !== 'unknown_outcome',
  );
  return {
    lost: [
      ...lostIn(said, finished, terms),
      ...unannounced(said, work, terms),
      ...silent(said, records, finished, terms),
    ],
    untrue: [...untrueIn(said, work, finished, terms), ...(terms.anySeq === true ? [] : outOfOrder(records))],
    broken: log.broken,
  };
}

function withoutRepeats(records: readonly AuditRecord[]): AuditRecord[] {
  return [...new Map(records.map((record) => [record.record_id, record])).values()].sort(
    (a, b) => a.seq - b.seq,
  );
}

const numbers = (said: readonly Said[], of: 'begun' | 'told', as?: Said['as']) =>
  said.flatMap((each) => (each[of] !== undefined && (as === undefined || each.as === as) ? [each[of]] : []));

function lostIn(said: readonly Said[], finished: readonly AuditRecord[], { mode }: Terms): string[] {
  if (mode === 'batch') return [];
  const there = new Set(finished.map(numberOf));
  const acknowledged = wellAcknowledged(said, mode);
  return [...acknowledged]
    .filter((number) => !there.has(number))
    .map((number) => `call/${number} was acknowledged`);
}

/**
 * What callers were told is on record. A strict log gives the result of work whose completion it could not write, and reports
 * that; `onError` was told then, and it counts as no acknowledgement.
 */
function wellAcknowledged(said: readonly Said[], mode: Terms['mode']): Set<number> {
  const reported = new Set(mode === 'blocking-strict' ? said.flatMap(({ alarm }) => alarm?.of ?? []) : []);
  return new Set(numbers(said, 'told', 'ok').filter((number) => !reported.has(`call/${number}`)));
}

/** Strict: work that was begun without its intent on the log. */
function unannounced(said: readonly Said[], work: readonly AuditRecord[], { mode }: Terms): string[] {
  if (mode !== 'blocking-strict') return [];
  const intents = new Set(work.filter(({ stage }) => stage !== undefined).map(numberOf));
  return numbers(said, 'begun')
    .filter((number) => !intents.has(number))
    .map((number) => `call/${number} was begun without an intent`);
}

/** Batch: what is missing and neither a gap record nor an alarm accounts for. */
function silent(
  said: readonly Said[],
  records: readonly AuditRecord[],
  finished: readonly AuditRecord[],
  { mode, cut }: Terms,
): string[] {
  if (mode !== 'batch' || cut === true) return [];
  const there = new Set(finished.map(numberOf));
  const missing = numbers(said, 'begun').filter((number) => !there.has(number));
  const gaps = records.reduce((total, record) => total + gapOf(record), 0);
  const alarms = said.reduce((total, { alarm }) => total + (alarm?.lost ?? 0), 0);
  const told = Math.max(gaps, alarms);
  return missing.length <= told ? [] : [`${missing.length} records, and ${told} are told of`];
}

/** How many records a record says are missing; 0 where it is none of these. */
export function gapOf({ resource, data }: AuditRecord): number {
  return resource === 'audit/gap' ? Number((data as { count?: unknown } | undefined)?.count) : 0;
}

function untrueIn(
  said: readonly Said[],
  work: readonly AuditRecord[],
  finished: readonly AuditRecord[],
  { mode }: Terms,
): string[] {
  const begun = new Set(numbers(said, 'begun'));
  const acknowledged = wellAcknowledged(said, mode);
  const seen = new Set<number>();
  const wrong: string[] = [];
  for (const record of finished) {
    const number = numberOf(record);
    const refused = record.error?.code === 'MCP_LOG_ERR_UNAVAILABLE';
    if (refused && begun.has(number)) wrong.push(`call/${number} was begun, and is said to be refused`);
    if (!refused && !begun.has(number)) wrong.push(`call/${number} was never begun`);
    if (!refused && record.outcome !== expected(number))
      wrong.push(`call/${number} did not end as ${record.outcome}`);
    if (seen.has(number)) wrong.push(`call/${number} is there twice`);
    seen.add(number);
  }
  for (const record of work)
    if (record.error?.type === 'unknown_outcome' && acknowledged.has(numberOf(record)))
      wrong.push(`the outcome of call/${numberOf(record)} is known`);
  return wrong;
}

function outOfOrder(records: readonly AuditRecord[]): string[] {
  let last = -1;
  return records.flatMap((record) => {
    const next = last + Math.max(1, gapOf(record));
    const wrong = record.seq === next ? [] : [`seq ${record.seq} follows ${last}`];
    last = record.seq;
    return wrong;
  });
}
