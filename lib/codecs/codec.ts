import type { AuditRecord } from '../schema/record.js';
import { bytesOfLines } from './line.js';

/** Turns records into bytes. Pure: no I/O, no state. */
export interface Codec {
  /** The name that options use: `json`, `protobuf`, … */
  readonly name: string;
  /** Media type of one encoded record. */
  readonly contentType: string;
  /** Media type of a batch. */
  readonly batchContentType: string;
  /** Encodes one record, without framing. */
  encode(record: AuditRecord): Uint8Array;
  /** Encodes several records as one body. */
  encodeBatch(records: readonly AuditRecord[]): Uint8Array;
}

/** How the JSON texts of a batch are put together: newline-delimited, or as one array. */
export type TextFraming = 'ndjson' | 'array';

/** Makes a codec whose records are JSON texts. */
export function textCodec(
  name: string,
  line: (record: AuditRecord) => string,
  framing: TextFraming = 'ndjson',
): Codec {
  return {
    name,
    contentType: 'application/json',
    batchContentType: framing === 'array' ? 'application/json' : 'application/x-ndjson',
    encode: (record) => Buffer.from(line(record)),
    encodeBatch: (records) => (framing === 'array' ? arrayOf(records, line) : linesOf(records, line)),
  };
}

function linesOf(records: readonly AuditRecord[], line: (record: AuditRecord) => string): Uint8Array {
  return bytesOfLines(records.map(line));
}

function arrayOf(records: readonly AuditRecord[], line: (record: AuditRecord) => string): Uint8Array {
  if (records.length === 0) return Buffer.from('[]');
  const items = records.map((record, index) => Buffer.from(`${index === 0 ? '[' : ','}${line(record)}`));
  return Buffer.concat([...items, Buffer.from(']')]);
}
