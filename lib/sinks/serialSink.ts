import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import type { Sink, SinkResult } from './sink.js';

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
