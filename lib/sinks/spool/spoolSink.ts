import { diag } from '@opentelemetry/api';
import { resolve } from 'node:path';
import { encodeLine } from '../../codecs/json.js';
import type { Profile } from '../../codecs/profile.js';
import { ConfigError } from '../../errors.js';
import { checkOptions, reject } from '../../internal/options.js';
import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import {
  asError,
  isSink,
  sinkName,
  causeOf,
  type GapRecordFactory,
  type Ack,
  type Sink,
  type SinkResult,
} from '../sink.js';
import { LockLostError, type LockOptions } from '../file/lock.js';
import { Notices, type FileNotice, type NoticeListener } from '../file/notice.js';
import type { SinkFeedOptions } from '../retry.js';
import { Replay, type SpoolErrorInfo } from './replay.js';
import { SpoolStore, type SpoolLine } from './store.js';

/**
 * How a {@link SpoolSink} keeps what its receiver does not have yet.
 *
 * @see docs/sinks.md
 */
export interface SpoolOptions extends LockOptions, SinkFeedOptions {
  /**
   * The folder that keeps what the receiver does not have yet: one of its own, for one process at a time. Made with mode 0700.
   * @variable OTEL_MCP_LOG_SPOOL none: calls wait for the receiver
   */
  readonly directory: string;
  /**
   * How many bytes may wait. Beyond them the spool takes no records: callers wait or fail, `batch` drops and counts.
   * `refused.spool` may hold as many bytes again.
   * @defaultValue 256 MiB
   * @minimum 1,024
   * @unit bytes
   * @variable OTEL_MCP_LOG_SPOOL_MAX_BYTES
   */
  readonly maxBytes?: number;
  /**
   * The size at which one file of the queue ends.
   * @defaultValue an eighth of `maxBytes`, at most 8 MiB
   * @minimum 1
   * @unit bytes
   */
  readonly segmentBytes?: number;
  /** Makes the record that tells the receiver of records that the spool has lost. @defaultValue that of the pipeline */
  readonly gapRecord?: GapRecordFactory;
  /** Called when the receiver fails (once, until it works again), and for records that it will never take. @defaultValue OpenTelemetry's `diag` logger */
  readonly onError?: (error: Error, info: SpoolErrorInfo) => void;
  /** Called with what the spool finds out of order on disk. @defaultValue OpenTelemetry's `diag` logger */
  readonly onNotice?: NoticeListener;
  /** The sink's name in errors and metrics. @defaultValue the name of the sink behind it, with `spool:` before it */
  readonly name?: string;
  /** @deprecated The old name of {@link maxExportBatchSize}. */
  readonly batchSize?: number;
}

/** How much longer an entry is than its record, in bytes: checksum, place and line feed. */
const ENTRY_BYTES = 20;
const MIB = 1024 * 1024;

/**
 * A disk queue in front of a sink that may be away. A record is acknowledged (`durable`) when it is on the local disk, and given to
 * the sink in order when that works, after a crash or an outage too. A record may reach the sink twice; its `record_id` shows
 * that.
 *
 * @throws ConfigError for a folder that another process uses, or a bad option.
 * @example
 * ```ts
 * const sink = new SpoolSink(new HttpSink({ endpoint }), { directory: '/var/lib/agent/spool' });
 * ```
 */
export class SpoolSink implements Sink {
  readonly name: string;
  readonly lastSeq: number | undefined;
  readonly lastCounter: LogCounter | undefined;
  readonly #sink: Sink;
  readonly #store: SpoolStore;
  readonly #replay: Replay;
  readonly #notices: Notices;
  readonly #maxBytes: number;
  readonly #ownGapRecord: GapRecordFactory | undefined;

  constructor(sink: Sink, given: SpoolOptions) {
    if (!isSink(sink)) reject('sink', sink, 'a sink (an object with emit)');
    const options = checkOptions('SpoolOptions', 'spool', given);
    const { directory, maxBytes, staleLockMs, maxRetryAfterMs, gapRecord } = options;
    this.name = options.name ?? `spool:${sinkName(sink)}`;
    this.#sink = sink;
    this.#notices = new Notices(options.onNotice);
    this.#maxBytes = maxBytes;
    this.#store = new SpoolStore(resolve(directory), {
      segmentBytes: options.segmentBytes ?? Math.min(8 * MIB, Math.ceil(maxBytes / 8)),
      staleLockMs,
      notices: this.#notices,
    });
    this.lastSeq = this.#store.lastSeq;
    this.lastCounter = this.#store.lastCounter;
    const report = guarded(options.onError);
    this.#replay = new Replay(this.#store, sink, {
      batchSize: options.maxExportBatchSize,
      maxRefusedBytes: this.#maxBytes,
      maxRetryAfterMs,
      report,
    });
    this.#ownGapRecord = gapRecord;
    if (gapRecord !== undefined) this.#replay.gapRecord = gapRecord;
    this.#replay.start();
  }

  /** The profile of the sink behind it. */
  get profile(): Profile | undefined {
    return this.#sink.profile;
  }

  /** Where the sink behind it sends. */
  get destination(): string {
    return this.#sink.destination ?? sinkName(this.#sink);
  }

  /** Bytes that the sink does not have yet. */
  get backlogBytes(): number {
    return this.#store.bytes;
  }

  /** What the spool has found out of order on disk; the first 100 findings. */
  get notices(): readonly FileNotice[] {
    return this.#notices.kept;
  }

  /** @throws ConfigError for `delivered`: a spool acknowledges records before they are delivered. */
  requireAck(ack: Ack): void {
    if (ack === 'delivered')
      throw new ConfigError(
        'acks',
        `a spool vouches for 'durable'; put the sink itself into the pipeline for 'delivered'`,
      );
  }

  /** Uses the pipeline's gap records, unless the options have a function for them. */
  useGapRecord(factory: GapRecordFactory): void {
    if (this.#ownGapRecord === undefined) this.#replay.gapRecord = factory;
  }

  async emit(records: readonly AuditRecord[]): Promise<SinkResult> {
    const lines = records.map(lineOf);
    const bytes = lines.reduce((sum, { line }) => sum + Buffer.byteLength(line) + ENTRY_BYTES, 0);
    // A batch that is larger than the whole spool is taken when the spool is empty.
    if (this.#store.bytes > 0 && this.#store.bytes + bytes > this.#maxBytes)
      return { status: 'retryable', error: full(this.#maxBytes) };
    try {
      await this.#store.append(lines);
    } catch (error) {
      return { status: error instanceof LockLostError ? 'permanent' : 'retryable', error: asError(error) };
    }
    this.#replay.start();
    return { status: 'delivered', ack: 'durable' };
  }

  /** Resolves when the sink has everything; rejects when the sink fails. The records then stay in the spool. */
  async flush(): Promise<void> {
    await this.#replay.flush();
    await this.#sink.flush?.();
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.#store.appendNow(records.map(lineOf));
  }

  /** Closes the spool. What the sink does not have stays on the disk for the next start. */
  async close(): Promise<void> {
    await this.#replay.stop();
    try {
      await this.#sink.close?.();
    } finally {
      await this.#store.close();
    }
  }
}

function lineOf(record: AuditRecord): SpoolLine {
  return { line: encodeLine(record), seq: record.seq, counter: counterOf(record) };
}

function full(maxBytes: number): Error {
  return Object.assign(new Error(`the spool holds its ${maxBytes} bytes`), { code: 'SPOOL_FULL' });
}

function guarded(onError: SpoolOptions['onError']): (error: Error, info: SpoolErrorInfo) => void {
  return (error, info) => {
    diag.warn(`audit log: spool of sink ${info.sink}: ${causeOf(error)}, ${info.lost} records lost`);
    try {
      onError?.(error, info);
    } catch {
      diag.error('audit log: the onError callback failed');
    }
  };
}
