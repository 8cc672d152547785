import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { threadId } from 'node:worker_threads';
import { ConfigError } from '../../errors.js';
import { checkOptions } from '../../internal/options.js';
import { reject } from '../../internal/validate.js';
import { resolveAccessLog, type AccessLogOptions } from './accessLog.js';
import type { LineLogOptions } from './lineLog.js';
import type { RotationOptions } from './segments.js';
import type { LockOptions } from './lock.js';
import { Notices, type NoticeListener } from './notice.js';
import { makeFolder } from './open.js';
import type { FileIntegrityOptions } from './sealing.js';

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
}

/** @throws ConfigError */
export function resolveFileSink(given: string | FileSinkOptions): ResolvedFileSink {
  const options = checkOptions(
    'FileSinkOptions',
    'FileSink',
    typeof given === 'string' ? { path: given } : given,
    '',
  );
  const { path, base, mode, rotate, onNotice, accessLog, integrity, ...rest } = options;
  return {
    ...rest,
    path: resolvePath(path, base),
    mode: resolveMode(mode),
    rotate: rotate === undefined ? {} : checkOptions('RotationOptions', 'rotate', rotate),
    notices: new Notices(onNotice),
    integrity,
    accessLog: resolveAccessLog(accessLog),
  };
}

/** Refuses modes that let others write the log, or everybody read it (PCI DSS 10.3.1 and 10.3.2). */
function resolveMode(given: unknown): number | undefined {
  if (given === undefined || given === 0o600 || given === 0o640) return given;
  return reject('mode', given, '0o600 or 0o640');
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
