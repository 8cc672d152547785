import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import type { Sink, SinkResult, Rejection } from './sink.js';

/** The result of a batch that needed nothing. */
const NOTHING_TO_DO: SinkResult = { status: 'delivered' };

/**
 * What every sink of ours has in common: one batch at a time, in the order of the calls; a fault is a result, not an
 * exception; nothing is taken after `close`; `flush` and `close` may be called any number of times.
 */
export abstract class SerialSink implements Sink {
  readonly name: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes records in order. Never rejects: what went wrong is in the result. */
  async emit(records: readonly AuditRecord[]): Promise<SinkResult> {
    if (this.#closed) {
      const error = new SinkError(this.name, `${this.name} is closed`, { code: 'MCP_LOG_ERR_SHUTDOWN' });
      return { status: 'permanent', error };
    }
    if (records.length === 0) return NOTHING_TO_DO;
    const result = this.#last.then(() => this.deliver(records)).catch((fault) => this.#unexpected(fault));
    this.#last = result;
    return result;
  }

  /** Resolves when everything emitted so far has its result. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** Refuses further records, waits for those under way, and releases what the sink holds. */
  async close(): Promise<void> {
    this.#closed ??= this.#last.then(() => this.release());
    return this.#closed;
  }

  /** One batch, never empty and never before the last one is settled. */
  protected abstract deliver(records: readonly AuditRecord[]): Promise<SinkResult>;

  /** Releases what the sink holds; called once, after the last delivery. */
  protected async release(): Promise<void> {
    // Most sinks hold nothing.
  }

  /** The fault's own text may quote a record or an address, so only its class is told. */
  #unexpected(fault: unknown): SinkResult {
    const kind = fault instanceof Error ? fault.name : typeof fault;
    return {
      status: 'permanent',
      error: new SinkError(this.name, `${this.name} failed unexpectedly: ${kind}`),
    };
  }
}

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
