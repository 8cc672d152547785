import { escapeControls } from '../internal/text.js';
import type { AuditRecord } from '../schema/record.js';

/** A lone surrogate, as `JSON.stringify` writes it. An escaped backslash matches first, and is left as it is. */
const LONE_SURROGATE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/**
 * JSON on one line of printable characters. Control and direction characters are escaped (`\u…`), lone surrogates become U+FFFD
 * (as UTF-8 encoders write them), so that every reader sees the same text.
 */
export function toJsonLine(value: unknown): string {
  return asLine(JSON.stringify(value));
}

/** The same of JSON that was made in another way than by `JSON.stringify`, and equals what that would give. */
export function asLine(json: string): string {
  let line = json;
  if (line.includes('\\ud')) {
    line = line.replace(LONE_SURROGATE, (match) => (match === '\\\\' ? match : '\ufffd'));
  }
  // Most lines are ASCII, where DEL is the only character to escape; to look for it alone is many times faster.
  const isAscii = Buffer.byteLength(line) === line.length;
  return isAscii && !line.includes('\u007f') ? line : escapeControls(line);
}

/** Lines as bytes, each with a line feed. Each is written in place: joining the texts first costs several times as much. */
export function bytesOfLines(lines: readonly string[]): Buffer {
  let size = lines.length;
  for (const line of lines) size += Buffer.byteLength(line);
  const bytes = Buffer.allocUnsafe(size);
  let end = 0;
  for (const line of lines) {
    end += bytes.write(line, end);
    bytes[end++] = 0x0a;
  }
  return bytes;
}

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
