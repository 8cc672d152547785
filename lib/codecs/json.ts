import type { AuditRecord } from '../schema/record.js';

/** A record as one line of JSON, without the line feed. */
export function encodeLine(record: AuditRecord): string {
  return JSON.stringify(record);
}

/**
 * The record that a line holds.
 *
 * @throws SyntaxError when the line is not JSON or not a record.
 */
export function decodeLine(line: string): AuditRecord {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value)) throw new SyntaxError('not an audit record: no object with a record_id');
  return value;
}

function isRecord(value: unknown): value is AuditRecord {
  return typeof value === 'object' && value !== null && 'record_id' in value;
}
