import { randomBytes } from 'node:crypto';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { encodeLine } from '../../codecs/json.js';
import { bytesOfLines } from '../../codecs/codec.js';
import { ConfigError } from '../../errors.js';
import { commitmentKeyPath } from '../../integrity/commitmentKeys.js';
import { withSeed } from '../../integrity/tlog/leafData.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { vouchesFor, type Ack, type Rejection, type Sink, type SinkResult } from '../sink.js';
import { describeAccessLog, resolveAccessLog, type AccessLogOptions } from './accessLog.js';
import { LineLog, type LineLogOptions } from './lineLog.js';
import { LockLostError, LogLock, type LockOptions } from './lock.js';
import { type FileNotice, Notices, type NoticeListener } from './notice.js';
import { makeFolder, resolveMode } from './open.js';
import { Sealing, type FileIntegrityOptions } from './sealing.js';
import {
  keepInBackground,
  resolveKeeping,
  type ArchiveOptions,
  type KeepingPlan,
  type KeepingTask,
  type RetainOptions,
} from './keeping.js';
import { LogHistory, type RotationOptions } from './segments.js';
import { realpathSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { checkOptions } from '../../internal/options.js';

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
  readonly lastResource: string | undefined;
  readonly keepsLog = true;
  readonly #notices: Notices;
  readonly #lock: LogLock;
  readonly #log: LineLog;
  readonly #history: LogHistory;
  readonly #sealing: Sealing | undefined;
  readonly #selective: boolean;
  readonly #keeping: KeepingTask | undefined;
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
      this.#keeping = options.keeping && keepInBackground(options.keeping, options, this.#sealing?.ready);
      if (options.accessLog !== undefined) describeAccessLog(options.path, options.accessLog);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#selective = options.integrity?.selective === true;
    this.lastSeq = this.#history.lastSeq();
    this.lastCounter = this.#history.lastCounter();
    this.lastResource = this.#history.lastResource();
    this.#delivered = { status: 'delivered', ack: options.fsync === 'always' ? 'durable' : 'written' };
    this.#onSighup = options.reopenOnSighup ? () => this.#log.check() : undefined;
    if (this.#onSighup !== undefined) process.on('SIGHUP', this.#onSighup);
  }

  /** The file's path. */
  get destination(): string {
    return this.path;
  }

  /** The file beside the log that keeps the keys of its commitments, where there are any. */
  get commitmentKey(): string {
    return commitmentKeyPath(this.path);
  }

  /** What the sink has found out of order since start-up; the first 100 findings. */
  get notices(): readonly FileNotice[] {
    return this.#notices.kept;
  }

  /** Whether a checkpoint covers all that is written; undefined where the log is not sealed. */
  get isSealed(): boolean | undefined {
    return this.#sealing?.isComplete;
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
    const onFinished = () => this.#keeping?.look();
    return new Sealing({ path, options: integrity, log: this.#log, notices, lastRecord, onFinished });
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
      await this.#keeping?.close();
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

/**
 * How a {@link FileSink} keeps its log.
 *
 * @see docs/sinks.md
 */
export interface FileSinkOptions extends LockOptions {
  /**
   * The file that keeps the log. `{pid}` becomes the process id and `{thread}` the worker thread's id (0 in the main thread).
   * @variable OTEL_MCP_LOG_FILE `audit.jsonl`
   */
  readonly path: string;
  /** A folder that the path must stay in, whatever `..` or symbolic links it holds. Relative paths start there. @defaultValue none */
  readonly base?: string;
  /**
   * When records are brought to the disk (fdatasync): `always` before they are acknowledged, with those that came meanwhile;
   * `batch` within `fsyncIntervalMs` after; `never` leaves it to the operating system.
   * @defaultValue `batch`; a pipeline that needs durable records (`blocking-strict`, `acks: 'durable'`) makes it `always`
   * @variable OTEL_MCP_LOG_FSYNC
   */
  readonly fsync?: 'always' | 'batch' | 'never';
  /**
   * How long `batch` leaves records unsynced at most.
   * @defaultValue 1,000
   * @minimum 1
   * @unit ms
   */
  readonly fsyncIntervalMs?: number;
  /** When the log is cut into parts. @defaultValue never */
  readonly rotate?: RotationOptions;
  /**
   * The mode of the file and its finished parts, whatever the umask: 0o600, or 0o640 where a group may read them (a shipper of
   * logs, say).
   * @defaultValue 0o600; a file that an administrator made readable to its group (0640) stays so, and so do the files that follow it
   */
  readonly mode?: 0o600 | 0o640;
  /**
   * What to do with an existing file whose mode is wider: one that everybody may read, or that others than its owner may write.
   * `narrow` sets it to `mode` and reports it; `refuse` throws.
   * @defaultValue `narrow`
   */
  readonly widerMode?: 'narrow' | 'refuse';
  /** Looks for a renamed file at once on SIGHUP, as log rotation tools send it. @defaultValue false */
  readonly reopenOnSighup?: boolean;
  /**
   * How often the sink looks whether the file was renamed, deleted or truncated.
   * @defaultValue 1,000; 0 looks before every write
   * @minimum 0
   * @unit ms
   */
  readonly checkIntervalMs?: number;
  /** Called with what the sink finds out of order; `sink.notices` has the first hundred. @defaultValue OpenTelemetry's `diag` logger */
  readonly onNotice?: NoticeListener;
  /**
   * Seals the log: a Merkle tree and signed checkpoints beside it, which `verify` checks.
   * @defaultValue none
   * @see docs/integrity.md
   */
  readonly integrity?: FileIntegrityOptions;
  /**
   * Puts on record who reads the log: the commands that read it then write to a sealed access log beside it
   * (`<log>.access.jsonl`), or refuse to read. The setting is kept beside the log (`<log>.access.json`); `false` removes it. See
   * docs/cli.md.
   * @defaultValue as it was: reading is not on record unless a command is given `--access-log`
   * @variable OTEL_MCP_LOG_ACCESS_LOG as it was
   */
  readonly accessLog?: boolean | AccessLogOptions;
  /**
   * Archives finished segments of a sealed log, in the background.
   * @defaultValue none
   * @see docs/archive.md
   */
  readonly archive?: ArchiveOptions;
  /**
   * Which finished segments of a sealed log stay and which go; what goes is recorded. Takes the place of `rotate.keep`.
   * @defaultValue nothing goes
   * @see docs/archive.md
   */
  readonly retain?: RetainOptions;
  /** The sink's name in errors and metrics. @defaultValue `file` */
  readonly name?: string;
}

/** Checked options. */
export interface ResolvedFileSink extends LineLogOptions {
  readonly name: string;
  readonly staleLockMs: number;
  readonly reopenOnSighup: boolean;
  readonly integrity: FileIntegrityOptions | undefined;
  readonly accessLog: AccessLogOptions | false | undefined;
  readonly keeping: KeepingPlan | undefined;
}

/** @throws ConfigError */
export function resolveFileSink(given: string | FileSinkOptions): ResolvedFileSink {
  const options = checkOptions(
    'FileSinkOptions',
    'FileSink',
    typeof given === 'string' ? { path: given } : given,
    '',
  );
  const { path, base, mode, rotate, onNotice, accessLog, integrity, archive, retain, ...rest } = options;
  return {
    ...rest,
    path: resolvePath(path, base),
    mode: resolveMode(mode),
    rotate: rotate === undefined ? {} : checkOptions('RotationOptions', 'rotate', rotate),
    notices: new Notices(onNotice),
    integrity,
    accessLog: resolveAccessLog(accessLog),
    keeping: resolveKeeping({ archive, retain, rotate, key: integrity?.key }),
  };
}

function resolvePath(given: string, base: string | undefined): string {
  if (given.includes('\0'))
    throw new ConfigError('path', 'got a string with a NUL character in it, expected a path');
  const path = given.replaceAll('{pid}', String(process.pid)).replaceAll('{thread}', String(threadId));
  if (base === undefined) return resolve(path);
  makeFolder(resolve(base));
  const target = resolve(base, path);
  // Checked twice: a path that leads out by its name must not even get a folder, and a folder within may be a link that leads out.
  requireWithin(resolve(base), target);
  makeFolder(dirname(target));
  requireWithin(realpathSync(base), resolve(realpathSync(dirname(target)), 'log'));
  return target;
}

function requireWithin(base: string, path: string): void {
  const way = relative(base, path);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new ConfigError('path', 'leads out of the base folder');
}
