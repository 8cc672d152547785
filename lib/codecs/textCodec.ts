import type { AuditRecord } from '../schema/record.js';
import type { Codec } from './codec.js';
import { bytesOfLines } from './line.js';

/** How several texts become one body: newline-delimited JSON, or one JSON array. */
export type TextFraming = 'ndjson' | 'array';

/** A codec whose records are JSON texts. */
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
