import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import type { Rejection, SinkResult } from './sink.js';

/** Records as a sink writes them, and those that cannot be. */
export interface Encoded<T> {
  readonly encoded: T[];
  readonly rejected: Rejection[];
}

/**
 * Encodes each record by itself, so that one which no encoding can hold does not take the others with it. The fault's own
 * text may quote the record, so only its class is told.
 */
export function encodeEach<T>(
  sink: string,
  records: readonly AuditRecord[],
  encode: (record: AuditRecord) => T,
): Encoded<T> {
  const encoded: T[] = [];
  const rejected: Rejection[] = [];
  records.forEach((record, index) => {
    try {
      encoded.push(encode(record));
    } catch (fault) {
      rejected.push({ index, error: unencodable(sink, fault) });
    }
  });
  return { encoded, rejected };
}

/** That a record cannot be encoded, as an error. */
export function unencodable(sink: string, fault: unknown): SinkError {
  const kind = fault instanceof Error ? fault.name : typeof fault;
  return new SinkError(sink, `the record cannot be encoded: ${kind}`);
}

/** A delivery but for the rejected records; a failure for good where none is left. */
export function deliveredBut(
  rejected: readonly Rejection[],
  count: number,
  delivered: SinkResult & { status: 'delivered' },
): SinkResult {
  const [first] = rejected;
  if (first === undefined) return delivered;
  return rejected.length === count ? { status: 'permanent', error: first.error } : { ...delivered, rejected };
}
