import { loadCodec } from '../../codecs/load.js';
import type { AuditRecord } from '../../schema/record.js';
import type { Output } from '../term/output.js';
import { csvHead, csvRecord, CSV_FIELDS } from './csv.js';
import { originOf, toLogsData } from './otlp.js';

/** Writes records in another format and counts what it writes. */
export interface ExportWriter {
  begin(): void;
  record(record: AuditRecord): void;
  /** Writes what is still held back. */
  end(): void;
  /** How many records the output holds. */
  readonly written: number;
}

/** The formats that are written record by record; parquet has a way of its own. */
export const TEXT_FORMATS = ['ocsf', 'ocsf-strict', 'ecs', 'csv', 'otlp'] as const;
/** One of them. */
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** Records in one OTLP message: what the OpenTelemetry SDKs send at once. */
const OTLP_BATCH = 512;
const LF = Buffer.from('\n');

/** A writer for a format. */
export async function exportWriter(
  format: TextFormat,
  output: Output,
  exact: boolean,
): Promise<ExportWriter> {
  if (format === 'csv') return csvExport(output, exact);
  if (format === 'otlp') return otlpExport(output);
  const codec = await loadCodec(format);
  return counting((record) => {
    output.bytes(codec.encode(record));
    output.bytes(LF);
  });
}

function csvExport(output: Output, exact: boolean): ExportWriter {
  const writer = counting((record) => output.text(csvRecord(record, CSV_FIELDS, exact)));
  return Object.assign(writer, { begin: () => output.text(csvHead(CSV_FIELDS)) });
}

/** Counts a record once it has been encoded without an error. */
function counting(write: (record: AuditRecord) => void): ExportWriter & { written: number } {
  const writer = {
    written: 0,
    begin: () => undefined,
    end: () => undefined,
    record(record: AuditRecord) {
      write(record);
      writer.written++;
    },
  };
  return writer;
}

/** Records that follow each other and come from one place share a message. */
function otlpExport(output: Output): ExportWriter {
  let batch: AuditRecord[] = [];
  let origin = '';
  const writer = {
    written: 0,
    begin: () => undefined,
    record(record: AuditRecord) {
      if (batch.length >= OTLP_BATCH || (batch.length > 0 && originOf(record) !== origin)) writer.end();
      origin = originOf(record);
      batch.push(record);
    },
    end() {
      if (batch.length > 0) output.text(`${toLogsData(batch)}\n`);
      writer.written += batch.length;
      batch = [];
    },
  };
  return writer;
}
