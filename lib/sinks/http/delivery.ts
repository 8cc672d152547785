import { diag } from '@opentelemetry/api';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { toJsonLine, type Codec } from '../../codecs/codec.js';
import { encodeLine } from '../../codecs/json.js';
import { SinkError } from '../../errors.js';
import { delayMs } from '../../internal/duration.js';
import type { AuditRecord } from '../../schema/record.js';
import { retry } from '../retry.js';
import { deliveredBut, unencodable } from '../serialSink.js';
import type { Rejection, SinkResult } from '../sink.js';
import {
  HttpExchange,
  type Failure,
  type HttpExchangeSettings,
  type HttpMessage,
  type HttpStats,
  type ItemVerdict,
} from './exchange.js';

/** Statuses that a single bad or large record in a batch can cause: Bad Request, Content Too Large, Unprocessable Content. */
const DIVISIBLE: readonly (number | undefined)[] = [400, 413, 422];

const DELIVERED = { status: 'delivered', ack: 'delivered' } as const;

/** The result of those records of a group that got no answer of their own. */
type Settled = Extract<SinkResult, { status: 'delivered' }> | Failure;

/** What delivery over HTTP needs; sinks make it from their options. */
export interface HttpDeliverySettings extends HttpExchangeSettings {
  readonly codec: () => Promise<Codec>;
  /** How many records one request holds at most. Default: one record, without framing. */
  readonly batchSize?: number | undefined;
  readonly deadLetterFile?: string | undefined;
  readonly onError?: ((error: SinkError, records: readonly AuditRecord[]) => void) | undefined;
}

/** Delivers records over HTTP, in order. What the receiver refuses for good goes to the dead-letter file and is reported. */
export class HttpDelivery {
  readonly #settings: HttpDeliverySettings;
  readonly #exchange: HttpExchange;
  #codec: Promise<Codec> | undefined;
  /**
   * The answers of records that stand behind one without an answer, by id: with an error where the record was refused for good.
   * They are not sent again with that record, and the results of later calls report them.
   */
  readonly #answered = new Map<string, SinkError | undefined>();

  constructor(settings: HttpDeliverySettings) {
    this.#settings = settings;
    this.#exchange = new HttpExchange(settings);
  }

  /** A copy of the counts. */
  get stats(): HttpStats {
    return { ...this.#exchange.stats };
  }

  /** Releases the connections. Nothing may be sent afterwards. */
  close(): void {
    this.#settings.transport.close();
    this.#settings.authorization?.close?.();
  }

  /**
   * Sends the records. It stops at the first request that may succeed later, and says how many records before it are settled.
   * After a request that is refused for good it goes on with the next.
   */
  async send(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { batchSize = 1 } = this.#settings;
    const codec = await (this.#codec ??= this.#settings.codec());
    this.#forgetOthers(records);
    const rejected: Rejection[] = [];
    for (let start = 0; start < records.length; start += batchSize) {
      const end = Math.min(records.length, start + batchSize);
      const open = records.slice(start, end).filter(({ record_id: id }) => !this.#answered.has(id));
      const stopped = open.length === 0 ? undefined : await this.#sendGroup(codec, open);
      const settled = this.#settle(records, start, end, rejected);
      if (stopped) return { ...stopped, settled, ...(rejected.length > 0 && { rejected }) };
    }
    return deliveredBut(rejected, records.length, DELIVERED);
  }

  /** Forgets the answers of records that are not given again. */
  #forgetOthers(records: readonly AuditRecord[]): void {
    if (this.#answered.size === 0) return;
    const given = new Set(records.map(({ record_id: id }) => id));
    for (const id of this.#answered.keys()) if (!given.has(id)) this.#answered.delete(id);
  }

  /** Collects the rejections among the records from `start` on. Returns the place of the first record without an answer. */
  #settle(records: readonly AuditRecord[], start: number, end: number, rejected: Rejection[]): number {
    for (let index = start; index < end; index++) {
      const id = records[index]?.record_id ?? '';
      if (!this.#answered.has(id)) return index;
      const error = this.#answered.get(id);
      if (error !== undefined) rejected.push({ index, error });
    }
    for (const { record_id: id } of records.slice(start, end)) this.#answered.delete(id);
    return end;
  }

  /**
   * Sends one group until each of its records has an answer, or gives up for now. A new attempt leaves out the records that were
   * taken. Where a single record may have caused a refusal, each half of the group is sent by itself.
   */
  async #sendGroup(
    codec: Codec,
    group: readonly AuditRecord[],
  ): Promise<Extract<SinkResult, { status: 'retryable' }> | undefined> {
    const { retry: policy, timeoutMs } = this.#settings;
    let left = group;
    let message: HttpMessage | undefined;
    let tried = 0;
    const verdict = await retry<Settled>(
      async (remainingMs) => {
        if (tried++ > 0) this.#exchange.stats.retries++;
        try {
          message ??= this.#encode(codec, left);
        } catch (fault) {
          // Treated as 422 of the receiver, so that halving finds the record at fault.
          return { status: 'permanent', error: unencodable(this.#settings.name, fault), httpStatus: 422 };
        }
        const answer = await this.#exchange.attempt(message, left, remainingMs);
        if (!('items' in answer)) return answer;
        const again = await this.#take(left, answer.items);
        if (again === undefined) return DELIVERED;
        if (again.records.length < left.length) message = undefined;
        left = again.records;
        return again.result;
      },
      policy,
      timeoutMs,
    );
    if (verdict.status === 'retryable') {
      const { status, error, retryAfterMs } = verdict;
      return { status, error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    if (verdict.status === 'permanent') return this.#refusedGroup(codec, left, verdict);
    for (const { record_id: id } of left) if (!this.#answered.has(id)) this.#answered.set(id, undefined);
    return undefined;
  }

  async #refusedGroup(codec: Codec, group: readonly AuditRecord[], verdict: Failure) {
    if (group.length > 1 && DIVISIBLE.includes(verdict.httpStatus)) {
      const half = group.length >> 1;
      return (
        (await this.#sendGroup(codec, group.slice(0, half))) ??
        (await this.#sendGroup(codec, group.slice(half)))
      );
    }
    await this.#refused(verdict.error as SinkError, group);
    return undefined;
  }

  /** Stores the answers of single records. Returns those that must be sent again, and why. */
  async #take(records: readonly AuditRecord[], items: readonly ItemVerdict[]) {
    const refused = new Map<string, AuditRecord[]>();
    const again: AuditRecord[] = [];
    let result: Extract<SinkResult, { status: 'retryable' }> | undefined;
    for (const [index, { status, error, retryAfterMs = 0 }] of items.entries()) {
      const record = records[index];
      if (record === undefined) continue;
      if (status === 'delivered') this.#answered.set(record.record_id, undefined);
      if (status === 'permanent') refused.set(error.message, [...(refused.get(error.message) ?? []), record]);
      if (status !== 'retryable') continue;
      again.push(record);
      const longest = Math.max(delayMs(retryAfterMs), result?.retryAfterMs ?? 0);
      result = { status, error: result?.error ?? error, ...(longest > 0 && { retryAfterMs: longest }) };
    }
    for (const [reason, those] of refused)
      await this.#refused(new SinkError(this.#settings.name, reason), those);
    return result && { records: again, result };
  }

  #encode(codec: Codec, group: readonly AuditRecord[]): HttpMessage {
    const [first] = group;
    if (this.#settings.batchSize === undefined && first !== undefined)
      return { id: first.record_id, type: codec.contentType, body: codec.encode(first) };
    return { id: batchId(group), type: codec.batchContentType, body: codec.encodeBatch(group) };
  }

  /** Puts refused records into the dead-letter file, and reports them. */
  async #refused(refusal: SinkError, records: readonly AuditRecord[]): Promise<void> {
    const { name, deadLetterFile, onError } = this.#settings;
    this.#exchange.stats.rejected += records.length;
    let error = refusal;
    if (deadLetterFile !== undefined) {
      try {
        await appendDeadLetters(deadLetterFile, records, { sink: name, reason: error.message });
      } catch (fault) {
        const { code, name: kind } = fault as NodeJS.ErrnoException;
        error = new SinkError(name, `${error.message}; and the dead-letter file failed: ${code ?? kind}`);
      }
    }
    for (const { record_id: id } of records) this.#answered.set(id, error);
    diag.error(`otel-mcp-log: ${error.message} (${records.length} records)`);
    try {
      onError?.(error, records);
    } catch {
      diag.error(`otel-mcp-log: onError of ${name} threw`);
    }
  }
}

/** An id for a batch: the same whenever the same records are sent. */
function batchId(records: readonly AuditRecord[]): string {
  const ids = records.map(({ record_id: id }) => `${id}\n`).join('');
  return `batch-${createHash('sha256').update(ids).digest('hex').slice(0, 32)}`;
}

/** O_NOFOLLOW refuses a symbolic link; O_NONBLOCK keeps the opening of a FIFO from waiting for a reader. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Only the owner may read it: records may be confidential. */
const MODE = 0o600;

/**
 * Appends records that a receiver refused for good to a file, one JSON line each:
 * `{"dead_letter":{"time":…,"sink":…,"reason":…},"record":{…}}`. When it resolves, they are on the disk (fdatasync).
 *
 * @throws Error with a `code` when the file cannot be written or is not a regular file.
 */
async function appendDeadLetters(
  path: string,
  records: readonly AuditRecord[],
  { sink, reason }: { sink: string; reason: string },
): Promise<void> {
  const note = toJsonLine({ time: new Date().toISOString(), sink, reason });
  const lines = records.map((record) => `{"dead_letter":${note},"record":${encodeLine(record)}}\n`);
  const file = await open(path, FLAGS, MODE);
  try {
    const { mode } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'ENOTFILE' });
      return stat;
    });
    if ((mode & 0o077) !== 0) await file.chmod(MODE);
    await file.appendFile(lines.join(''));
    await file.datasync();
  } finally {
    await file.close();
  }
}
