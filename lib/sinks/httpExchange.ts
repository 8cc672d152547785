import { SinkError } from '../errors.js';
import { post, type Fetch, type HttpOutcome } from './httpRequest.js';
import { retry, type RetryPolicy } from './retry.js';
import type { BodySigner } from './signature.js';
import type { SinkResult } from './sink.js';

/** Status codes after which the same request may well succeed: OTLP 1.x, "Retryable Response Codes". */
const RETRYABLE = [429, 502, 503, 504];

/** Who we are, to the receiver, where a fixed header does not say it. */
export interface Authorization {
  /** The header fields that prove it, or why there are none. */
  headers(): Promise<{ headers: Record<string, string> } | Failure>;
  /** These were refused (401): the next ones must be new. */
  refused(headers: Record<string, string>): void;
}

/** What an exchange with a receiver needs to know of it. */
export interface HttpExchangeSettings {
  readonly name: string;
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signer?: BodySigner | undefined;
  readonly authorization?: Authorization | undefined;
  /** Waits until one more request may be made. */
  readonly pace?: (() => Promise<void>) | undefined;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly maxResponseBytes: number;
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

/** One body and what is said of it. */
export interface HttpMessage {
  /** The same on every attempt. */
  readonly id: string;
  readonly type: string;
  readonly body: Uint8Array;
}

/** A result that is no delivery; the status that it comes from, where one came. */
export type Failure = Exclude<SinkResult, { status: 'delivered' }> & { readonly httpStatus?: number };

/** What became of a message. */
export type Verdict = Extract<SinkResult, { status: 'delivered' }> | Failure;

/** Sends one message and finds out what became of it: retried within its deadline, signed, authorized. */
export class HttpExchange {
  readonly stats: HttpStats = { requests: 0, retries: 0, rejected: 0 };
  readonly #settings: HttpExchangeSettings;

  constructor(settings: HttpExchangeSettings) {
    this.#settings = settings;
  }

  /** Never rejects. */
  async send(message: HttpMessage): Promise<Verdict> {
    let tried = 0;
    const attempt = (remainingMs: number): Promise<Verdict> => {
      if (tried++ > 0) this.stats.retries++;
      return this.#attempt(message, performance.now() + remainingMs);
    };
    return retry(attempt, this.#settings.retry, this.#settings.timeoutMs);
  }

  /** One attempt; or two, where the first only told that the authorization had run out. */
  async #attempt(message: HttpMessage, deadline: number): Promise<Verdict> {
    const { authorization } = this.#settings;
    for (let again = authorization !== undefined; ; again = false) {
      const credentials = (await authorization?.headers()) ?? { headers: {} };
      if (!('headers' in credentials)) return credentials;
      const outcome = await this.#post(message, credentials.headers, deadline);
      if (!again || !('status' in outcome) || outcome.status !== 401)
        return toVerdict(this.#settings, outcome);
      authorization?.refused(credentials.headers);
    }
  }

  async #post(
    { id, type, body }: HttpMessage,
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
}

/**
 * What an outcome means for the records. Whatever kept a status from coming may pass, a bad certificate too: it is not the
 * records' fault. The origin is all of the address that is told; path and query may hold secrets.
 */
function toVerdict({ name, endpoint }: HttpExchangeSettings, outcome: HttpOutcome): Verdict {
  const told = 'fault' in outcome ? outcome.fault : `status ${outcome.status}`;
  const error = new SinkError(name, `POST to ${endpoint.origin} failed: ${told}`);
  if ('fault' in outcome) return { status: 'retryable', error };
  const { status: httpStatus, retryAfterMs } = outcome;
  if (httpStatus >= 200 && httpStatus < 300) return { status: 'delivered', ack: 'delivered' };
  if (!RETRYABLE.includes(httpStatus)) return { status: 'permanent', error, httpStatus };
  return { status: 'retryable', error, httpStatus, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
