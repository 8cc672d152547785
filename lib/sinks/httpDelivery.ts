import { createHash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { Codec } from '../codecs/codec.js';
import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import { appendDeadLetters } from './deadLetters.js';
import { post, type Fetch, type HttpOutcome } from './httpRequest.js';
import { retry, type RetryPolicy } from './retry.js';
import type { BodySigner } from './signature.js';
import type { SinkResult } from './sink.js';

/** Status codes after which the same request may well succeed: OTLP 1.x, "Retryable Response Codes". */
const RETRYABLE = [429, 502, 503, 504];

/** Who we are, to the receiver, where a fixed header does not say it. */
export interface Authorization {
  /** The header fields that prove it, or why there are none. */
  headers(timeoutMs: number): Promise<{ headers: Record<string, string> } | SinkResult>;
  /** These were refused (401): the next ones must be new. */
  refused(headers: Record<string, string>): void;
}

/** All that delivery over HTTP needs; the sinks make it from their options. */
export interface HttpDeliverySettings {
  readonly name: string;
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly codec: () => Promise<Codec>;
  /** Records in one request at most; absent: one, unframed. */
  readonly batchSize?: number | undefined;
  readonly signer?: BodySigner | undefined;
  readonly authorization?: Authorization | undefined;
  /** Waits until one more request may be made. */
  readonly pace?: (() => Promise<void>) | undefined;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly maxResponseBytes: number;
  readonly deadLetterFile?: string | undefined;
  readonly onError?: ((error: SinkError, records: readonly AuditRecord[]) => void) | undefined;
  readonly fetch: Fetch;
}

/** What a delivery has done so far. */
export interface HttpStats {
  /** Requests made, each attempt counted. */
  requests: number;
  /** Attempts after the first. */
  retries: number;
  /** Records that the receiver refused for good. */
  rejected: number;
}

/** Delivers records over HTTP, in order: cut into requests, each retried within its deadline, signed, authorized. */
export class HttpDelivery {
  readonly stats: HttpStats = { requests: 0, retries: 0, rejected: 0 };
  readonly #settings: HttpDeliverySettings;
  #codec: Promise<Codec> | undefined;

  constructor(settings: HttpDeliverySettings) {
    this.#settings = settings;
  }

  /**
   * Sends the records. Stops at the first request that may succeed later, and says how many records before it are settled;
   * goes on after one that is refused for good, since the records behind it are none the worse.
   */
  async send(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { batchSize = 1 } = this.#settings;
    let refusal: SinkResult | undefined;
    for (let settled = 0; settled < records.length; settled += batchSize) {
      const group = records.slice(settled, settled + batchSize);
      const result = await this.#sendGroup(group);
      if (result.status === 'retryable') return { ...result, settled };
      if (result.status === 'permanent') refusal = await this.#refused(result, group);
    }
    return refusal ?? { status: 'delivered', ack: 'delivered' };
  }

  async #sendGroup(group: readonly AuditRecord[]): Promise<SinkResult> {
    const { codec: load, batchSize, timeoutMs, retry: policy } = this.#settings;
    const codec = await (this.#codec ??= load());
    const single = batchSize === undefined && group[0] !== undefined ? group[0] : undefined;
    const body = single ? codec.encode(single) : codec.encodeBatch(group);
    const type = single ? codec.contentType : codec.batchContentType;
    const id = single ? single.record_id : batchId(group);
    let tried = 0;
    const attempt = (remainingMs: number): Promise<SinkResult> => {
      if (tried++ > 0) this.stats.retries++;
      return this.#attempt({ id, type, body }, remainingMs);
    };
    return retry(attempt, policy, timeoutMs);
  }

  /** One attempt; or two, where the first only told that the authorization had run out. */
  async #attempt(message: Message, timeoutMs: number): Promise<SinkResult> {
    const { authorization } = this.#settings;
    const deadline = performance.now() + timeoutMs;
    for (let again = authorization !== undefined; ; again = false) {
      const credentials = (await authorization?.headers(deadline - performance.now())) ?? { headers: {} };
      if (!('headers' in credentials)) return credentials;
      const outcome = await this.#post(message, credentials.headers, deadline);
      if (!again || !('status' in outcome) || outcome.status !== 401)
        return toResult(this.#settings, outcome);
      authorization?.refused(credentials.headers);
    }
  }

  async #post(
    { id, type, body }: Message,
    credentials: Record<string, string>,
    deadline: number,
  ): Promise<HttpOutcome> {
    const { endpoint: url, headers: own, signer, pace, fetch, maxResponseBytes } = this.#settings;
    await pace?.();
    this.stats.requests++;
    const headers = {
      ...own,
      'content-type': type,
      'idempotency-key': id,
      ...signer?.headers(id, body),
      ...credentials,
    };
    const timeoutMs = deadline - performance.now();
    return post({ url, headers, body }, { fetch, timeoutMs, maxResponseBytes });
  }

  /** Keeps what the receiver would not have, and raises the alarm. */
  async #refused(
    refusal: SinkResult & { status: 'permanent' },
    records: readonly AuditRecord[],
  ): Promise<SinkResult> {
    const { name, deadLetterFile, onError } = this.#settings;
    this.stats.rejected += records.length;
    let error = refusal.error as SinkError;
    if (deadLetterFile !== undefined) {
      try {
        await appendDeadLetters(deadLetterFile, records, { sink: name, reason: error.message });
      } catch (fault) {
        const code = (fault as NodeJS.ErrnoException).code ?? 'unknown';
        error = new SinkError(name, `${error.message}; and the dead-letter file failed: ${code}`);
      }
    }
    diag.error(`otel-mcp-log: ${error.message} (${records.length} records)`);
    try {
      onError?.(error, records);
    } catch {
      diag.error(`otel-mcp-log: onError of ${name} threw`);
    }
    return { status: 'permanent', error };
  }
}

interface Message {
  id: string;
  type: string;
  body: Uint8Array;
}

/** The same for the same records, however often they are sent. */
function batchId(records: readonly AuditRecord[]): string {
  const hash = createHash('sha256');
  for (const { record_id: id } of records) hash.update(id).update('\n');
  return `batch-${hash.digest('hex').slice(0, 32)}`;
}

/**
 * What an outcome means for the records. Whatever kept a status from coming may pass, a bad certificate too: it is not the
 * records' fault. The origin is all of the address that is told; path and query may hold secrets.
 */
function toResult({ name, endpoint }: HttpDeliverySettings, outcome: HttpOutcome): SinkResult {
  const told = 'fault' in outcome ? outcome.fault : `status ${outcome.status}`;
  const error = new SinkError(name, `POST to ${endpoint.origin} failed: ${told}`);
  if ('fault' in outcome) return { status: 'retryable', error };
  if (outcome.status >= 200 && outcome.status < 300) return { status: 'delivered', ack: 'delivered' };
  if (!RETRYABLE.includes(outcome.status)) return { status: 'permanent', error };
  const { retryAfterMs } = outcome;
  return retryAfterMs === undefined
    ? { status: 'retryable', error }
    : { status: 'retryable', error, retryAfterMs };
}
