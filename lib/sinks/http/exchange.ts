import { SinkError } from '../../errors.js';
import type { AuditRecord } from '../../schema/record.js';
import { retryAfterMs, type HttpOutcome, type HttpTransport, type HttpAnswer } from './transport.js';
import type { RetryPolicy } from '../retry.js';
import type { BodySigner } from './signature.js';
import type { SinkResult } from '../sink.js';

/**
 * Status codes after which the same request may well succeed: OTLP 1.x, "Retryable Response Codes", and two that say so
 * themselves, 408 Request Timeout (RFC 9110, 15.5.9) and 425 Too Early (RFC 8470, 5.2).
 */
const RETRYABLE = [408, 425, 429, 502, 503, 504];

/** Who we are, to the receiver, where a fixed header does not say it. */
export interface Authorization {
  /** The header fields that prove it, or why there are none; in so many milliseconds at most. Never rejects. */
  headers(remainingMs: number): Promise<{ headers: Record<string, string> } | Failure>;
  /** These were refused (401): the next ones must be new. */
  refused(headers: Record<string, string>): void;
  /** Gives back the connections that it holds. */
  close?(): void;
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
  readonly transport: HttpTransport;
  /** Reads the answers of 2xx, where they do not speak for themselves. */
  readonly checkResponse?: ResponseCheck | undefined;
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

/** What became of a message: of all of it, or of each of its records. */
export type Verdict =
  Extract<SinkResult, { status: 'delivered' }> | Failure | { readonly items: readonly ItemVerdict[] };

/** Sends one message and finds out what became of it: signed, authorized, within its time. */
export class HttpExchange {
  readonly stats: HttpStats = { requests: 0, retries: 0, rejected: 0 };
  readonly #settings: HttpExchangeSettings;

  constructor(settings: HttpExchangeSettings) {
    this.#settings = settings;
  }

  /** One attempt; or two, where the first only told that the authorization had run out. Never rejects. */
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
 * What an outcome means for the records. Whatever kept a status from coming may pass, a bad certificate too: it is not the
 * records' fault. The origin is all of the address that is told; path and query may hold secrets.
 */
function toVerdict(
  { name, endpoint }: HttpExchangeSettings,
  outcome: HttpOutcome,
): Extract<SinkResult, { status: 'delivered' }> | Failure {
  const told = 'fault' in outcome ? outcome.fault : `status ${outcome.status}`;
  const error = new SinkError(name, `POST to ${endpoint.origin} failed: ${told}`);
  if ('fault' in outcome) return { status: 'retryable', error };
  const { status: httpStatus, headers } = outcome;
  if (httpStatus >= 200 && httpStatus < 300) return { status: 'delivered', ack: 'delivered' };
  // 1xx is no final answer (RFC 9110, 15.2): a receiver that switches protocols unasked has said nothing of the records.
  if (httpStatus >= 200 && !RETRYABLE.includes(httpStatus)) return { status: 'permanent', error, httpStatus };
  const pause = retryAfterMs(headers['retry-after'], headers['date']);
  return { status: 'retryable', error, httpStatus, ...(pause !== undefined && { retryAfterMs: pause }) };
}

/** What a receiver answered with a status of 2xx, for {@link ResponseCheck}. */
export interface ReceiverResponse {
  /** From 200 to 299. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as UTF-8 text, as far as it came and `maxResponseBytes` allows. */
  readonly body: string;
  /** Whether that is the whole body: it neither broke off nor was larger. */
  readonly complete: boolean;
}

/** What became of a record, or of all records of a request. */
export type RecordVerdict =
  | 'delivered'
  | 'retryable'
  | 'permanent'
  | {
      /** `retryable`: sent again, alone; `permanent`: refused for good, as by a status that says so. */
      readonly status: 'delivered' | 'retryable' | 'permanent';
      /** Why, in a few words, for errors and dead letters: it must hold no secret. @defaultValue `checkResponse` */
      readonly reason?: string;
      /** `retryable`: not before so many milliseconds. @defaultValue the pause of `retry` */
      readonly retryAfterMs?: number;
    };

/**
 * Reads a receiver's answer, for APIs that say 200 and tell of errors in the body. Gives one verdict for all records of the
 * request, or one for each, in their order; nothing means that all are delivered. What it throws, or rejects with, counts as
 * `retryable`: whether the records arrived is then not known, and they are sent again.
 */
export type ResponseCheck = (
  response: ReceiverResponse,
  records: readonly AuditRecord[],
) =>
  RecordVerdict | readonly RecordVerdict[] | void | Promise<RecordVerdict | readonly RecordVerdict[] | void>;

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
    if (verdicts.length !== records.length) throw new RangeError('one verdict for each record');
    return verdicts.map((each) => toItem(each, because));
  } catch (fault) {
    // The fault's own text may quote the answer, so only its class is told.
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
