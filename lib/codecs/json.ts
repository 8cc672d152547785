import type { AuditRecord } from '../schema/record.js';
import { type Codec, textCodec, type TextFraming } from './codec.js';
import { LineForms } from './lineForms.js';
import { inFixedOrder } from './order.js';
import { fromProfile, toProfile, type Profile, type WireRecord } from './profile.js';
import { toJsonLine } from './line.js';

/**
 * A record as one line of JSON, without the line feed, in the names of its own profile or of one that is asked for. Its fields are in
 * a fixed order; control and direction characters are escaped.
 *
 * @example
 * ```ts
 * stream.write(`${encodeLine(record)}\n`);
 * ```
 */
export function encodeLine(record: AuditRecord, profile?: Profile): string {
  const wire = toProfile(record, profile);
  return forms.lineOf(wire) ?? toJsonLine(inFixedOrder(wire));
}

const forms = new LineForms();

/**
 * The record that a line holds.
 *
 * @throws SyntaxError when the line is not JSON or not a record. Its message names the fault, and does not quote the line.
 */
export function decodeLine(line: string, profile?: Profile): AuditRecord {
  const value = parse(line);
  if (typeof value !== 'object' || value === null || !('record_id' in value))
    throw new SyntaxError('not an audit record: no object with a record_id');
  return fromProfile(value as WireRecord, profile);
}

/** The default codec: one JSON object per record; batches as NDJSON (default) or as one array. */
export function jsonCodec({
  profile,
  framing = 'ndjson',
}: { profile?: Profile; framing?: TextFraming } = {}): Codec {
  return textCodec('json', (record) => encodeLine(record, profile), framing);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The engine's own message quotes the line, which may be confidential.
    throw new SyntaxError('not an audit record: the line is not JSON');
  }
}
