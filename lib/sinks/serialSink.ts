import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import type { Sink, SinkResult, Rejection } from './sink.js';

/** The result of an empty batch. */
const NOTHING_TO_DO: SinkResult = { status: 'delivered' };

/**
 * What most sinks of this package have in common: they deliver one batch at a time, in the order of the calls; a fault is a
 * result, not an exception; they take nothing after `close`; `flush` and `close` may be called any number of times.
 */
export abstract class SerialSink implements Sink {
  readonly name: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes records in order. Never rejects: the result says what went wrong. */
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

  /** Refuses further records, waits for those in flight, and releases what the sink holds. */
  async close(): Promise<void> {
    this.#closed ??= this.#last.then(() => this.release());
    return this.#closed;
  }

  /** Delivers one batch. It is never empty, and the batch before it is settled. */
  protected abstract deliver(records: readonly AuditRecord[]): Promise<SinkResult>;

  /** Releases what the sink holds. Called once, after the last delivery. */
  protected async release(): Promise<void> {
    // Most sinks hold nothing.
  }

  /** The fault's own text may quote a record or an address, so only the name of its class is reported. */
  #unexpected(fault: unknown): SinkResult {
    const kind = fault instanceof Error ? fault.name : typeof fault;
    return {
      status: 'permanent',
      error: new SinkError(this.name, `${this.name} failed unexpectedly: ${kind}`),
    };
  }
}

/** Encoded records, and those that could not be encoded. */
export interface Encoded<T> {
  readonly encoded: T[];
  readonly rejected: Rejection[];
}

/**
 * Encodes each record by itself, so that one that cannot be encoded does not fail the others. The fault's own text may quote the
 * record, so only the name of its class is reported.
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

/** The error for a record that cannot be encoded. */
export function unencodable(sink: string, fault: unknown): SinkError {
  const kind = fault instanceof Error ? fault.name : typeof fault;
  return new SinkError(sink, `the record cannot be encoded: ${kind}`);
}

/** The result of a delivery without the rejected records: a permanent failure where no other record was in the batch. */
export function deliveredBut(
  rejected: readonly Rejection[],
  count: number,
  delivered: SinkResult & { status: 'delivered' },
): SinkResult {
  const [first] = rejected;
  if (first === undefined) return delivered;
  return rejected.length === count ? { status: 'permanent', error: first.error } : { ...delivered, rejected };
}
