import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { encodeLine } from '../../codecs/json.js';
import { bytesOfLines } from '../../codecs/line.js';
import { ConfigError } from '../../errors.js';
import { withSeed } from '../../integrity/tlog/commitments.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { vouchesFor, type Ack, type Rejection, type Sink, type SinkResult } from '../sink.js';
import { describeAccessLog } from './accessLog.js';
import { LineLog } from './lineLog.js';
import { LockLostError, LogLock } from './lock.js';
import type { FileNotice, Notices } from './notice.js';
import { makeFolder } from './open.js';
import { resolveFileSink, type FileSinkOptions, type ResolvedFileSink } from './options.js';
import { Sealing } from './sealing.js';
import { LogHistory } from './segments.js';

/**
 * An append-only log of JSON lines. The constructor opens it, so that a path that cannot work is found at start-up. A path has one
 * writer. Only the owner can read the file (mode 0600; folders that are made have 0700).
 *
 * The write itself is synchronous: it copies into the page cache in a few microseconds, where a round trip through the thread
 * pool costs several times that, and nothing is unwritten when the process exits. fdatasync, which waits for the disk, runs in the
 * thread pool.
 *
 * @throws ConfigError for a symbolic link, FIFO or directory, a file that another writer has open, or a bad option.
 * @example
 * ```ts
 * const sink = new FileSink({ path: '/var/log/agent/audit.jsonl', rotate: { maxBytes: 100_000_000 } });
 * ```
 */
export class FileSink implements Sink {
  readonly name: string;
  /** The path of the file, with `{pid}` and `{thread}` filled in. */
  readonly path: string;
  readonly lastSeq: number | undefined;
  readonly lastCounter: LogCounter | undefined;
  readonly keepsLog = true;
  readonly #notices: Notices;
  readonly #lock: LogLock;
  readonly #log: LineLog;
  readonly #history: LogHistory;
  readonly #sealing: Sealing | undefined;
  readonly #selective: boolean;
  readonly #onSighup: (() => void) | undefined;
  #delivered: SinkResult;

  /** @param more - nothing: from JavaScript, options after a path would otherwise go unheard, `integrity` among them. */
  constructor(path: string | FileSinkOptions, ...more: never[]) {
    if (more.length > 0)
      throw new ConfigError(
        'FileSink',
        'takes one argument; options stand beside the path in one object: { path, … }',
      );
    const options = resolveFileSink(path);
    this.name = options.name;
    this.path = options.path;
    this.#notices = options.notices;
    makeFolder(dirname(options.path));
    // The lock comes first: opening the file may repair its end, which must not happen while another process writes to it.
    this.#lock = new LogLock(options.path, options.notices, options.staleLockMs);
    try {
      this.#log = new LineLog(options, this.#lock);
      this.#history = new LogHistory(options.path, this.#log.size);
      this.#sealing = this.#seal(options);
      if (options.accessLog !== undefined) describeAccessLog(options.path, options.accessLog);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#selective = options.integrity?.selective === true;
    this.lastSeq = this.#history.lastSeq();
    this.lastCounter = this.#history.lastCounter();
    this.#delivered = { status: 'delivered', ack: options.fsync === 'always' ? 'durable' : 'written' };
    this.#onSighup = options.reopenOnSighup ? () => this.#log.check() : undefined;
    if (this.#onSighup !== undefined) process.on('SIGHUP', this.#onSighup);
  }

  /** The file's path. */
  get destination(): string {
    return this.path;
  }

  /** What the sink has found out of order since start-up; the first 100 findings. */
  get notices(): readonly FileNotice[] {
    return this.#notices.kept;
  }

  /** The intents without a completion in the last 8 MiB of the log, as it was when it was opened. */
  get unfinishedIntents(): readonly AuditRecord[] {
    return this.#history.unfinishedIntents();
  }

  /** The tool definitions in the last 8 MiB of the log, as it was when it was opened. */
  get keptDefinitions(): ReadonlyMap<string, number> {
    return this.#history.keptDefinitions();
  }

  /** @throws ConfigError when `fsync` is `never` and durable records are needed. */
  requireAck(ack: Ack): void {
    if (!vouchesFor(ack, 'durable')) return;
    if (this.#log.fsync === 'never')
      throw new ConfigError('fsync', `is 'never', which cannot vouch for '${ack}' records`);
    this.#log.fsync = 'always';
    // The disk is the receiver of a file, so `durable` is also `delivered`.
    this.#delivered = { status: 'delivered', ack };
  }

  #seal({ path, integrity, notices }: ResolvedFileSink): Sealing | undefined {
    if (integrity === undefined) return undefined;
    const lastRecord = () => this.#history.lastRecord();
    return new Sealing({ path, options: integrity, log: this.#log, notices, lastRecord });
  }

  emit(records: readonly AuditRecord[]): Promise<SinkResult> | SinkResult {
    this.#sealing?.saw(records);
    return this.#sealing === undefined || this.#sealing.isReady
      ? this.#write(records)
      : this.#sealing.ready.then(() => this.#write(records), permanent);
  }

  #write(records: readonly AuditRecord[]): Promise<SinkResult> | SinkResult {
    const { bytes, rejected } = encode(records, this.#selective);
    const done = rejected.length === 0 ? this.#delivered : { ...this.#delivered, rejected };
    if (bytes.length === 0) return done;
    try {
      return this.#log.append(bytes)?.then(() => done, retryable) ?? done;
    } catch (error) {
      // Another writer has numbered records since, so this one must not go on.
      return error instanceof LockLostError ? permanent(error) : retryable(error);
    }
  }

  /** Resolves when everything that was written is on the disk, and covered by a checkpoint where the log is sealed. */
  async flush(): Promise<void> {
    await this.#log.flush();
    await this.#sealing?.seal();
  }

  flushSync(records: readonly AuditRecord[]): void {
    const { bytes } = encode(records, this.#selective);
    if (bytes.length > 0) void this.#log.append(bytes)?.catch(() => undefined);
    this.#log.flushNow();
  }

  async close(): Promise<void> {
    if (this.#onSighup !== undefined) process.off('SIGHUP', this.#onSighup);
    try {
      await this.#sealing?.ready.catch(() => undefined);
      await this.#log.close();
    } finally {
      this.#lock.release();
    }
  }
}

/** Broken evidence does not recover, so to try again cannot help. */
function permanent(error: Error): SinkResult {
  return { status: 'permanent', error };
}

/** A full or failing disk may recover, and the failed write has left the log as it was, so the batch can be tried again. */
function retryable(error: unknown): SinkResult {
  return {
    status: 'retryable',
    error: error instanceof Error ? error : new Error('the log could not be written'),
  };
}

function encode(
  records: readonly AuditRecord[],
  selective: boolean,
): { bytes: Uint8Array; rejected: Rejection[] } {
  const rejected: Rejection[] = [];
  const lines: string[] = [];
  records.forEach((record, index) => {
    try {
      const line = encodeLine(record);
      lines.push(selective ? withSeed(line, randomBytes(32)) : line);
    } catch (error) {
      rejected.push({
        index,
        error: error instanceof Error ? error : new Error('the record cannot be encoded'),
      });
    }
  });
  return { bytes: bytesOfLines(lines), rejected };
}
