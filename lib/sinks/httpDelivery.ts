import { createHash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { Codec } from '../codecs/codec.js';
import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import { appendDeadLetters } from './deadLetters.js';
import { deliveredBut, unencodable } from './encodeEach.js';
import {
  HttpExchange,
  type Failure,
  type HttpExchangeSettings,
  type HttpMessage,
  type HttpStats,
  type Verdict,
} from './httpExchange.js';
import type { Rejection, SinkResult } from './sink.js';

/** Statuses that one bad or large record among many can bring about: Bad Request, Content Too Large, Unprocessable. */
const DIVISIBLE: readonly (number | undefined)[] = [400, 413, 422];

const DELIVERED = { status: 'delivered', ack: 'delivered' } as const;

/** All that delivery over HTTP needs; the sinks make it from their options. */
export interface HttpDeliverySettings extends HttpExchangeSettings {
  readonly codec: () => Promise<Codec>;
  /** Records in one request at most; absent: one, unframed. */
  readonly batchSize?: number | undefined;
  readonly deadLetterFile?: string | undefined;
  readonly onError?: ((error: SinkError, records: readonly AuditRecord[]) => void) | undefined;
}

/** Delivers records over HTTP, in order: cut into requests, with what is refused for good told, kept and reported. */
export class HttpDelivery {
  readonly #settings: HttpDeliverySettings;
  readonly #exchange: HttpExchange;
  #codec: Promise<Codec> | undefined;

  constructor(settings: HttpDeliverySettings) {
    this.#settings = settings;
    this.#exchange = new HttpExchange(settings);
  }

  /** A copy of the counts. */
  get stats(): HttpStats {
    return { ...this.#exchange.stats };
  }

  /** Gives back what it holds; nothing may be sent afterwards. */
  close(): void {
    this.#settings.transport.close();
  }

  /**
   * Sends the records. Stops at the first request that may succeed later, and says how many records before it are settled;
   * goes on after one that is refused for good, since the records behind it are none the worse.
   */
  async send(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { batchSize = 1 } = this.#settings;
    const codec = await (this.#codec ??= this.#settings.codec());
    const rejected: Rejection[] = [];
    for (let start = 0; start < records.length; start += batchSize) {
      const group = records.slice(start, start + batchSize);
      const stopped = await this.#sendGroup(codec, group, start, rejected);
      if (stopped) return rejected.length > 0 ? { ...stopped, rejected } : stopped;
    }
    return deliveredBut(rejected, records.length, DELIVERED);
  }

  /** Sends one group; a refusal that a single record may have brought about is looked for in each half. */
  async #sendGroup(
    codec: Codec,
    group: readonly AuditRecord[],
    start: number,
    rejected: Rejection[],
  ): Promise<Extract<SinkResult, { status: 'retryable' }> | undefined> {
    const verdict = await this.#sendAs(codec, group);
    if (verdict.status === 'delivered') return undefined;
    if (verdict.status === 'retryable') {
      const { error, retryAfterMs } = verdict;
      return {
        status: 'retryable',
        error,
        settled: start,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    }
    if (group.length > 1 && DIVISIBLE.includes(verdict.httpStatus)) {
      const half = group.length >> 1;
      return (
        (await this.#sendGroup(codec, group.slice(0, half), start, rejected)) ??
        (await this.#sendGroup(codec, group.slice(half), start + half, rejected))
      );
    }
    const error = await this.#refused(verdict, group);
    rejected.push(...group.map((_, place) => ({ index: start + place, error })));
    return undefined;
  }

  async #sendAs(codec: Codec, group: readonly AuditRecord[]): Promise<Verdict> {
    let message: HttpMessage;
    try {
      message = this.#encode(codec, group);
    } catch (fault) {
      // As if the receiver had said so: in a batch, the record at fault is found.
      return { status: 'permanent', error: unencodable(this.#settings.name, fault), httpStatus: 422 };
    }
    return this.#exchange.send(message);
  }

  #encode(codec: Codec, group: readonly AuditRecord[]): HttpMessage {
    const [first] = group;
    if (this.#settings.batchSize === undefined && first !== undefined)
      return { id: first.record_id, type: codec.contentType, body: codec.encode(first) };
    return { id: batchId(group), type: codec.batchContentType, body: codec.encodeBatch(group) };
  }

  /** Keeps what the receiver would not have, and raises the alarm. */
  async #refused(refusal: Failure, records: readonly AuditRecord[]): Promise<SinkError> {
    const { name, deadLetterFile, onError } = this.#settings;
    this.#exchange.stats.rejected += records.length;
    let error = refusal.error as SinkError;
    if (deadLetterFile !== undefined) {
      try {
        await appendDeadLetters(deadLetterFile, records, { sink: name, reason: error.message });
      } catch (fault) {
        const { code, name: kind } = fault as NodeJS.ErrnoException;
        error = new SinkError(name, `${error.message}; and the dead-letter file failed: ${code ?? kind}`);
      }
    }
    diag.error(`otel-mcp-log: ${error.message} (${records.length} records)`);
    try {
      onError?.(error, records);
    } catch {
      diag.error(`otel-mcp-log: onError of ${name} threw`);
    }
    return error;
  }
}

/** The same for the same records, however often they are sent. */
function batchId(records: readonly AuditRecord[]): string {
  const ids = records.map(({ record_id: id }) => `${id}\n`).join('');
  return `batch-${createHash('sha256').update(ids).digest('hex').slice(0, 32)}`;
}
