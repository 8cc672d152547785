import { toClickHouseRow } from '../../codecs/clickhouse.js';
import { encodeLine } from '../../codecs/json.js';
import { toJsonLine } from '../../codecs/codec.js';
import type { AuditRecord } from '../../schema/record.js';
import { usageFailure, type CommandIo } from '../shared/command.js';
import { csvHead, csvRecord, csvWholeRecord, CSV_FIELDS, fieldAt, project, type FieldPath } from './csv.js';
import type { Output } from '../term/output.js';
import { palette, terminalWidth, type Palette } from '../term/terminal.js';
import { details, fit, tableHead, tableRow } from './table.js';
import { loadCodec } from '../../codecs/load.js';
import { originOf, writeLogsData } from './otlp.js';

/**
 * Splits a list of field paths.
 *
 * @throws {CliFailure} when one is empty.
 */
export function parseFields(list: string): FieldPath[] {
  return list.split(',').map((text) => {
    const path = text.trim().split('.');
    if (path.some((part) => part === '')) throw usageFailure('--fields has an empty name in it');
    return path;
  });
}

/** Writes the records that a query finds. */
export interface RecordWriter {
  /** Writes what comes before the first record. */
  begin(): void;
  record(record: AuditRecord, data: Buffer, start: number, end: number): void;
}

/** JSONL: the lines as they were logged, byte for byte, or the named fields of each record. */
export function lineWriter(output: Output, fields: readonly FieldPath[] | undefined): RecordWriter {
  return {
    begin: () => undefined,
    record:
      fields === undefined
        ? (_record, data, start, end) => output.line(data, start, end)
        : (record) => output.text(`${toJsonLine(project(record, fields))}\n`),
  };
}

/** CSV. `exact` leaves texts as they are that a spreadsheet would run as formulas. */
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
  const width = terminalWidth(io);
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

/** Writes records in another format and counts them. */
export interface ExportWriter {
  record(record: AuditRecord): void;
  /** Writes the records that are still held back. */
  end(): void;
  /** How many records the output holds. */
  readonly written: number;
}

/** The formats that are written record by record. Parquet is written by DuckDB instead. */
export const TEXT_FORMATS = [
  'ocsf',
  'ocsf-1.8',
  'ocsf-strict',
  'ecs',
  'ecs-9',
  'csv',
  'otlp',
  'clickhouse',
] as const;
/** One of them. */
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** The most records in one OTLP message: as many as the OpenTelemetry SDKs send at once. */
const OTLP_BATCH = 512;
const LF = Buffer.from('\n');

/** Takes what is written, in order. */
export interface ByteSink {
  bytes(data: Uint8Array): void;
  text(text: string): void;
}

/** What stands before the first record. */
export function exportHead(format: TextFormat): string {
  return format === 'csv' ? csvHead(CSV_FIELDS) : '';
}

/** A writer for a format. */
export async function exportWriter(
  format: TextFormat,
  output: ByteSink,
  exact: boolean,
): Promise<ExportWriter> {
  if (format === 'csv') return counting((record) => output.text(csvWholeRecord(record, exact)));
  if (format === 'otlp') return otlpExport(output);
  if (format === 'clickhouse')
    return counting((record) => output.text(`${toClickHouseRow(record, encodeLine(record))}\n`));
  const codec = await loadCodec(format);
  return counting((record) => {
    output.bytes(codec.encode(record));
    output.bytes(LF);
  });
}

/** Counts each record after it was encoded without an error. */
function counting(write: (record: AuditRecord) => void): ExportWriter & { written: number } {
  const writer = {
    written: 0,
    end: () => undefined,
    record(record: AuditRecord) {
      write(record);
      writer.written++;
    },
  };
  return writer;
}

/** Successive records of one origin share a message. */
function otlpExport(output: ByteSink): ExportWriter {
  let batch: AuditRecord[] = [];
  let origin = '';
  const writer = {
    written: 0,
    record(record: AuditRecord) {
      if (batch.length >= OTLP_BATCH || (batch.length > 0 && originOf(record) !== origin)) writer.end();
      origin = originOf(record);
      batch.push(record);
    },
    end() {
      writeLogsData(batch, (text) => output.text(text));
      writer.written += batch.length;
      batch = [];
    },
  };
  return writer;
}
