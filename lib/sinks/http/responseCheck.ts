import type { AuditRecord } from '../../schema/record.js';
import { SinkError } from '../../errors.js';
import type { HttpAnswer } from './transport.js';

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
export async function askCheck(
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
