import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { reject } from '../../internal/options.js';
import { SinkError } from '../../errors.js';
import type { AuditRecord } from '../../schema/record.js';
import type { RetryPolicy } from '../retry.js';
import type { SinkResult } from '../sink.js';
import { retryAfterMs, type HttpOutcome, type HttpTransport, type HttpAnswer } from './transport.js';

/** The prefix of a secret in the Standard Webhooks specification; base64 follows it. */
const STANDARD_PREFIX = 'whsec_';

/**
 * Signs the exact bytes of a body in two ways: `X-Signature` is the hex HMAC-SHA256 of the body alone. The headers of the Standard
 * Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`) cover id and time too, so that a receiver can
 * refuse an old or repeated message.
 */
class BodySigner {
  readonly #key: KeyObject;

  /** @param key - bytes; or text, which stands for its UTF-8 bytes, or after `whsec_` for the bytes that its base64 encodes. */
  constructor(key: string | Uint8Array) {
    this.#key = createSecretKey(
      typeof key !== 'string'
        ? key
        : key.startsWith(STANDARD_PREFIX)
          ? Buffer.from(key.slice(STANDARD_PREFIX.length), 'base64')
          : Buffer.from(key, 'utf8'),
    );
  }

  /** The header fields for one attempt to send a body. `id` is the same on every attempt; the time is not. */
  headers(id: string, body: Uint8Array): Record<string, string> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed = createHmac('sha256', this.#key).update(`${id}.${timestamp}.`).update(body);
    return {
      'x-signature': createHmac('sha256', this.#key).update(body).digest('hex'),
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signed.digest('base64')}`,
    };
  }
}

/** Makes a signer of the key in an option; nothing without a key. */
export function optionalSigner(option: string, key: unknown): BodySigner | undefined {
  if (key === undefined) return undefined;
  if (!(typeof key === 'string' || key instanceof Uint8Array) || key.length === 0)
    reject(option, key, 'a non-empty string or bytes');
  return new BodySigner(key);
}

/**
 * Status codes after which the same request may succeed: those of OTLP 1.x ("Retryable Response Codes"), 408 Request Timeout
 * (RFC 9110, 15.5.9) and 425 Too Early (RFC 8470, 5.2).
 */
const RETRYABLE = [408, 425, 429, 502, 503, 504];

/** Header fields that prove to the receiver who sends, where fixed ones do not. */
export interface Authorization {
  /** The header fields, or why there are none, within `remainingMs`. Never rejects. */
  headers(remainingMs: number): Promise<{ headers: Record<string, string> } | Failure>;
  /** The receiver refused these header fields (401): the next ones must be new. */
  refused(headers: Record<string, string>): void;
  /** Releases its connections. */
  close?(): void;
}

/** How to speak to a receiver. */
export interface HttpExchangeSettings {
  readonly name: string;
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signer?: BodySigner | undefined;
  readonly authorization?: Authorization | undefined;
  /** Resolves when one more request may be made. */
  readonly pace?: (() => Promise<void>) | undefined;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly transport: HttpTransport;
  /** Statuses that may pass, beside those of {@link RETRYABLE}. */
  readonly alsoRetryable?: readonly number[] | undefined;
  /** Reads the answers of 2xx, where 2xx alone does not mean delivery. */
  readonly checkResponse?: ResponseCheck | undefined;
}

/** The numbers of a sink over HTTP. */
export interface HttpStats {
  /** Requests that were made; every attempt counts. */
  requests: number;
  /** Attempts after the first. */
  retries: number;
  /** Records that the receiver refused for good. */
  rejected: number;
}

/** The body of a request, with its id and media type. */
export interface HttpMessage {
  /** The `Idempotency-Key`: the same on every attempt. */
  readonly id: string;
  readonly type: string;
  readonly body: Uint8Array;
}

/** A result other than delivery, with the HTTP status where the receiver answered. */
export type Failure = Exclude<SinkResult, { status: 'delivered' }> & { readonly httpStatus?: number };

/** What became of a message: of all its records, or of each of them. */
type Verdict =
  | Extract<SinkResult, { status: 'delivered' }>
  | Failure
  | { readonly items: readonly ItemVerdict[] };

/** Sends one message, signed and authorized, and finds out what became of it. */
export class HttpExchange {
  readonly stats: HttpStats = { requests: 0, retries: 0, rejected: 0 };
  readonly #settings: HttpExchangeSettings;

  constructor(settings: HttpExchangeSettings) {
    this.#settings = settings;
  }

  /** Makes one attempt; after a 401, a second one with new credentials. Never rejects. */
  async attempt(
    message: HttpMessage,
    records: readonly AuditRecord[],
    remainingMs: number,
  ): Promise<Verdict> {
    const { authorization, checkResponse, name } = this.#settings;
    const deadline = performance.now() + remainingMs;
    for (let again = authorization !== undefined; ; again = false) {
      const credentials = (await authorization?.headers(deadline - performance.now())) ?? { headers: {} };
      if (!('headers' in credentials)) return credentials;
      const outcome = await this.#post(message, credentials.headers, deadline);
      if (again && 'status' in outcome && outcome.status === 401) {
        authorization?.refused(credentials.headers);
        continue;
      }
      const verdict = toVerdict(this.#settings, outcome);
      if (checkResponse === undefined || 'fault' in outcome || verdict.status !== 'delivered') return verdict;
      return { items: await askCheck(checkResponse, outcome, records, name) };
    }
  }

  async #post(
    { id, type, body }: HttpMessage,
    credentials: Record<string, string>,
    deadline: number,
  ): Promise<HttpOutcome> {
    const { endpoint: url, headers: own, signer, pace, transport } = this.#settings;
    await pace?.();
    this.stats.requests++;
    const headers = {
      ...own,
      'content-type': type,
      'idempotency-key': id,
      ...signer?.headers(id, body),
      ...credentials,
    };
    return transport.post({ url, headers, body }, deadline - performance.now());
  }
}

/**
 * What an outcome means for the records. A fault that prevented an answer may pass, a bad certificate too: the records are not
 * its cause. Errors name only the origin of the address, because path and query may hold secrets.
 */
function toVerdict(
  { name, endpoint, alsoRetryable = [] }: HttpExchangeSettings,
  outcome: HttpOutcome,
): Extract<SinkResult, { status: 'delivered' }> | Failure {
  const told = 'fault' in outcome ? outcome.fault : `status ${outcome.status}`;
  const error = new SinkError(name, `POST to ${endpoint.origin} failed: ${told}`);
  if ('fault' in outcome) return { status: 'retryable', error };
  const { status: httpStatus, headers } = outcome;
  if (httpStatus >= 200 && httpStatus < 300) return { status: 'delivered', ack: 'delivered' };
  // 1xx is not a final answer (RFC 9110, 15.2): a receiver that switches protocols unasked has said nothing about the records.
  const mayPass = RETRYABLE.includes(httpStatus) || alsoRetryable.includes(httpStatus);
  if (httpStatus >= 200 && !mayPass) return { status: 'permanent', error, httpStatus };
  const pause = retryAfterMs(headers['retry-after'], headers['date']);
  return { status: 'retryable', error, httpStatus, ...(pause !== undefined && { retryAfterMs: pause }) };
}

/** An answer with a status of 2xx, as {@link ResponseCheck} gets it. */
export interface ReceiverResponse {
  /** From 200 to 299. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as UTF-8 text, up to `maxResponseBytes` or to where it broke off. */
  readonly body: string;
  /** Whether that is the whole body. */
  readonly complete: boolean;
}

/** What became of a record, or of all records of a request. */
export type RecordVerdict =
  | 'delivered'
  | 'retryable'
  | 'permanent'
  | {
      /** `retryable`: the record is sent again without the others; `permanent`: it is refused for good. */
      readonly status: 'delivered' | 'retryable' | 'permanent';
      /** Why, in a few words, for errors and dead letters. It must hold no secret. @defaultValue `checkResponse` */
      readonly reason?: string;
      /** For `retryable`: the earliest time for the next attempt, in milliseconds from now. @defaultValue the pause of `retry` */
      readonly retryAfterMs?: number;
    };

/**
 * Reads a receiver's answer, for APIs that answer 200 and report errors in the body. It returns one verdict for all records of
 * the request, or one for each, in their order; nothing means that all are delivered. When it throws or rejects, the records count
 * as `retryable`: whether they arrived is unknown, and they are sent again.
 */
export type ResponseCheck = (
  response: ReceiverResponse,
  records: readonly AuditRecord[],
) =>
  | RecordVerdict
  | readonly RecordVerdict[]
  | void
  | Promise<RecordVerdict | readonly RecordVerdict[] | void>;

/** What became of one record. */
export interface ItemVerdict {
  readonly status: 'delivered' | 'retryable' | 'permanent';
  readonly error: SinkError;
  readonly retryAfterMs?: number;
}

/** Asks the user's check, and gives a verdict for each record. Never rejects. */
async function askCheck(
  check: ResponseCheck,
  { status, headers, body, complete }: HttpAnswer,
  records: readonly AuditRecord[],
  sink: string,
): Promise<readonly ItemVerdict[]> {
  const because = (reason: string) => new SinkError(sink, `the receiver's answer was no delivery: ${reason}`);
  const all = (verdict: ItemVerdict): ItemVerdict[] => records.map(() => verdict);
  try {
    const text = new TextDecoder().decode(body);
    const given = (await check({ status, headers, body: text, complete }, records)) ?? 'delivered';
    if (!Array.isArray(given)) return all(toItem(given as RecordVerdict, because));
    const verdicts = given as readonly RecordVerdict[];
    if (verdicts.length !== records.length) throw new RangeError('expected one verdict for each record');
    return verdicts.map((each) => toItem(each, because));
  } catch (fault) {
    // The fault's own text may quote the answer, so only the name of its class is reported.
    const kind = fault instanceof Error ? fault.name : typeof fault;
    return all({ status: 'retryable', error: because(`checkResponse failed: ${kind}`) });
  }
}

const STATUSES: readonly unknown[] = ['delivered', 'retryable', 'permanent'];
const MAX_REASON = 200;

function toItem(given: RecordVerdict, because: (reason: string) => SinkError): ItemVerdict {
  const { status, reason, retryAfterMs } =
    typeof given === 'string' ? { status: given, reason: undefined, retryAfterMs: undefined } : given;
  if (!STATUSES.includes(status)) throw new TypeError('no verdict');
  const told = typeof reason === 'string' && reason !== '' ? reason.slice(0, MAX_REASON) : 'checkResponse';
  return { status, error: because(told), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
