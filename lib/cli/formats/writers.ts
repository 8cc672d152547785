import { toJsonLine } from '../../codecs/line.js';
import type { AuditRecord } from '../../schema/record.js';
import type { CommandIo } from '../shared/command.js';
import { csvHead, csvRecord, CSV_FIELDS } from './csv.js';
import type { Output } from '../term/output.js';
import { palette, terminalWidth, type Palette } from '../term/paint.js';
import { details, fit, tableHead, tableRow } from './table.js';
import { fieldAt, project, type FieldPath } from './fields.js';

/** Writes the records that a query finds. */
export interface RecordWriter {
  /** What stands before the first record. */
  begin(): void;
  record(record: AuditRecord, data: Buffer, start: number, end: number): void;
}

/** The byte-for-byte form: what was logged comes out as it was. */
export function lineWriter(output: Output, fields: readonly FieldPath[] | undefined): RecordWriter {
  return {
    begin: () => undefined,
    record:
      fields === undefined
        ? (_record, data, start, end) => output.line(data, start, end)
        : (record) => output.text(`${toJsonLine(project(record, fields))}\n`),
  };
}

/** CSV; `exact` leaves formulas as they are. */
export function csvWriter(
  output: Output,
  fields: readonly FieldPath[] = CSV_FIELDS,
  exact = false,
): RecordWriter {
  return {
    begin: () => output.text(csvHead(fields)),
    record: (record) => output.text(csvRecord(record, fields, exact)),
  };
}

/** A table for people. */
export function tableWriter(
  output: Output,
  io: CommandIo,
  { fields, detailed = false }: { fields?: readonly FieldPath[] | undefined; detailed?: boolean } = {},
): RecordWriter {
  const style = palette(io.stdout, io.env);
  const width = terminalWidth(io.stdout);
  if (fields !== undefined) return fieldTable(output, style, width, fields);
  return {
    begin: () => output.text(tableHead(width, style.bold)),
    record: (record) => {
      output.text(tableRow(record, width, style));
      if (detailed) output.text(details(record, style));
    },
  };
}

function fieldTable(
  output: Output,
  style: Palette,
  width: number,
  fields: readonly FieldPath[],
): RecordWriter {
  const each = Math.max(8, Math.floor((width - fields.length + 1) / fields.length));
  const row = (cells: readonly string[]) =>
    cells
      .map((cell) => fit(cell, each))
      .join(' ')
      .trimEnd();
  return {
    begin: () => output.text(`${style.bold(row(fields.map((path) => path.join('.').toUpperCase())))}\n`),
    record: (record) => {
      const cells = fields.map((path) => {
        const value = fieldAt(record, path);
        return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
      });
      output.text(`${row(cells)}\n`);
    },
  };
}
