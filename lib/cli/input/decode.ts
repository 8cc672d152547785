import type { AuditRecord } from '../../schema/record.js';

/** The schema versions whose records this program reads: our two profiles by their names, and the published 1.x. */
const KNOWN_SCHEMA = /^(?:documented|0\.2(?:\.\d+)?|1(?:\.\d+)*)$/;

/** What is wrong with a line, in words that quote nothing of it. */
export class LineFault extends Error {}

/**
 * The record that a line holds.
 *
 * @throws {LineFault} when it holds none.
 */
export function decodeRecord(data: Buffer, start: number, end: number): AuditRecord {
  if (start === end) throw new LineFault('the line is empty');
  const value = parse(data, start, end);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LineFault('not an audit record: JSON, but no object');
  const record = value as Partial<AuditRecord>;
  if (typeof record.record_id !== 'string' || typeof record.time !== 'string' || !isNamed(record.outcome))
    throw new LineFault('not an audit record: a JSON object without record_id, time and outcome');
  const version: unknown = record.metadata?.schema_version;
  if (typeof version === 'string' && !KNOWN_SCHEMA.test(version))
    throw new LineFault(
      `a record of schema version ${/^[\w.+-]{1,20}$/.test(version) ? version : '(unreadable)'}; this program reads 'documented' (1.x) and 0.2`,
    );
  return record as AuditRecord;
}

function isNamed(outcome: unknown): boolean {
  return typeof outcome === 'string' && outcome.startsWith('OUTCOME_');
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

/** By its byte order mark, or by the zeros that ASCII has in UTF-16: `>` of Windows PowerShell writes it. */
function isUtf16(data: Buffer, start: number): boolean {
  const [first, second] = [data[start], data[start + 1]];
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return marked || first === 0 || second === 0;
}
