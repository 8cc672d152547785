import { FIELD_NAMES } from '../../codecs/order.js';
import { printable } from '../../internal/text.js';
import { fieldAt, type FieldPath } from './fields.js';
import type { AuditRecord } from '../../schema/record.js';

/** The columns of a CSV file, in order: every plain field of a record; what has parts is JSON. */
export const CSV_FIELDS: readonly FieldPath[] = FIELD_NAMES.map((name) => name.split('.'));

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r|]/;

/** A row of CSV (RFC 4180), ended by CR LF. */
export function csvRow(cells: readonly unknown[], { exact = false }: { exact?: boolean } = {}): string {
  return `${cells.map((cell) => csvCell(cell, exact)).join(',')}\r\n`;
}

/** The head of a CSV file. */
export function csvHead(fields: readonly FieldPath[]): string {
  return csvRow(fields.map((path) => path.join('.')));
}

/** One record as a row. */
export function csvRecord(record: AuditRecord, fields: readonly FieldPath[], exact = false): string {
  return csvRow(
    fields.map((path) => fieldAt(record, path)),
    { exact },
  );
}

/**
 * Text that a spreadsheet would run gets an apostrophe before it, unless the exact text is asked for. Control characters are
 * escaped as in the log: a cell is one line.
 */
function csvCell(value: unknown, exact: boolean): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = exact ? text : printable(FORMULA.test(text) ? `'${text}` : text);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
