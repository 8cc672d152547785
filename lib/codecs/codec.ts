import type { AuditRecord } from '../schema/record.js';

/** Turns records into bytes. Pure: no I/O, no state. */
export interface Codec {
  /** The name that options use: `json`, `protobuf`, … */
  readonly name: string;
  /** Media type of one encoded record. */
  readonly contentType: string;
  /** Media type of a batch. */
  readonly batchContentType: string;
  /** One record, without any framing. */
  encode(record: AuditRecord): Uint8Array;
  /** Several records as one body. */
  encodeBatch(records: readonly AuditRecord[]): Uint8Array;
}
