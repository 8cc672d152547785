import { FIELD_NAMES } from '../../codecs/profile.js';
import { printable } from '../../internal/text.js';
import type { AuditRecord } from '../../schema/record.js';

/** The path of a field, as `--fields` names it with dots: `mcp.tool_name`. */
export type FieldPath = readonly string[];

/**
 * The value at a path of a record; undefined if there is none. Looks at own properties only. A name may have dots in it, as those of
 * `otel_resource` have: `otel_resource.host.name`.
 */
export function fieldAt(record: AuditRecord, path: FieldPath): unknown {
  let value: unknown = record;
  for (const [index, key] of path.entries()) {
    if (typeof value !== 'object' || value === null) return undefined;
    const rest = index < path.length - 1 ? path.slice(index).join('.') : key;
    if (Object.hasOwn(value, rest)) return Reflect.get(value, rest) as unknown;
    if (!Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key) as unknown;
  }
  return value;
}

/** The named fields of a record, under their dotted names. */
export function project(record: AuditRecord, paths: readonly FieldPath[]): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const path of paths) {
    const value = fieldAt(record, path);
    if (value !== undefined) result[path.join('.')] = value;
  }
  return result;
}

/** The columns of a CSV file, in order: every field of a record. A field that has parts is written as JSON. */
export const CSV_FIELDS: readonly FieldPath[] = FIELD_NAMES.map((name) => name.split('.'));

/** The beginnings that a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r|]/;

/** Letters, digits and marks that mean nothing to a reader of CSV, to a spreadsheet or to a terminal: most cells are of them alone. */
const PLAIN = /^[a-zA-Z0-9_.:/ ][a-zA-Z0-9_.:/ @()#?&*;-]*$/;

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

/** The names of {@link CSV_FIELDS} as those of a record's field, and of a part of it. */
const COLUMNS = FIELD_NAMES.map((name) => {
  const dot = name.indexOf('.');
  return dot === -1 ? ([name] as const) : ([name.slice(0, dot), name.slice(dot + 1)] as const);
});

/** One record as a row of {@link CSV_FIELDS}. No object inherits any of their names, so that they can be read without a look at that. */
export function csvWholeRecord(record: AuditRecord, exact: boolean): string {
  const fields = record as unknown as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  let row = '';
  for (let index = 0; index < COLUMNS.length; index++) {
    const [name, part] = COLUMNS[index]!;
    const value = part === undefined ? fields[name] : fields[name]?.[part];
    if (index > 0) row += ',';
    if (value !== undefined) row += csvCell(value, exact);
  }
  return `${row}\r\n`;
}

/**
 * A text that a spreadsheet would run as a formula gets an apostrophe before it, unless the exact text is asked for. Control
 * characters are escaped as in the log, so that a cell is one line.
 */
function csvCell(value: unknown, exact: boolean): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (PLAIN.test(text)) return text;
  const safe = exact ? text : printable(FORMULA.test(text) ? `'${text}` : text);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
