import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { threadId } from 'node:worker_threads';
import { optionalDelay } from '../../internal/duration.js';
import { ConfigError } from '../../errors.js';
import {
  optionalBoolean,
  optionalChoice,
  optionalInteger,
  optionalText,
  reject,
  requireKnownOptions,
  requireText,
} from '../../internal/validate.js';
import { resolveAccessLog, type AccessLogOptions } from './accessLog.js';
import type { LineLogOptions, RotationOptions } from './lineLog.js';
import { resolveStaleLock } from './lock.js';
import { Notices, type NoticeListener } from './notice.js';
import { makeFolder } from './open.js';
import type { FileIntegrityOptions } from './sealing.js';

/** How a {@link FileSink} keeps its log. */
export interface FileSinkOptions {
  /** The file. `{pid}` becomes the process id and `{thread}` the worker thread's id (0 in the main thread). */
  readonly path: string;
  /** A folder that the path must stay in, whatever `..` or symbolic links it holds. Relative paths start there. @defaultValue none */
  readonly base?: string;
  /**
   * When records are put on the disk (fdatasync): `always` before they are acknowledged, all that came meanwhile together;
   * `batch` soon after, within `fsyncIntervalMs`; `never` leaves it to the operating system.
   * @defaultValue `batch`; a pipeline that needs durable records (`blocking-strict`, `acks: 'durable'`) makes it `always`
   */
  readonly fsync?: 'always' | 'batch' | 'never';
  /** How long `batch` leaves records unsynced at most, in milliseconds. @defaultValue 1,000 */
  readonly fsyncIntervalMs?: number;
  /** When the log is cut into parts. @defaultValue never */
  readonly rotate?: RotationOptions;
  /**
   * The mode of the file and its finished parts, whatever the umask: 0o600, or 0o640 where a group may read them (a shipper of
   * logs, say). @defaultValue 0o600; a file that an administrator made readable to its group (0640) stays so, and so do
   * the files that follow it
   */
  readonly mode?: 0o600 | 0o640;
  /**
   * What to do with an existing file that is wider than that: that everybody may read, or others than its owner may write.
   * `narrow` it to `mode` and report it, or `refuse` it.
   * @defaultValue `narrow`
   */
  readonly widerMode?: 'narrow' | 'refuse';
  /** Look for a renamed file at once on SIGHUP, as log rotation tools send it. @defaultValue false */
  readonly reopenOnSighup?: boolean;
  /** How often, in ms, to look whether somebody renamed, deleted or truncated the file. @defaultValue 1,000; 0 looks before every write */
  readonly checkIntervalMs?: number;
  /**
   * After how long without a sign of life a writer of another machine or container, which cannot be asked, counts as gone
   * and its lock is taken over, in milliseconds; the writer gives three signs in that time.
   * @defaultValue 15,000, the lease of Kubernetes' leader election; at least 1,000
   */
  readonly staleLockMs?: number;
  /** Told of what the sink finds; `sink.notices` has the first hundred. @defaultValue OpenTelemetry's `diag` logger */
  readonly onNotice?: NoticeListener;
  /** Seals the log: a Merkle tree and signed checkpoints beside it, which `verify` checks. @defaultValue none */
  readonly integrity?: FileIntegrityOptions;
  /**
   * Puts on record who reads the log: the commands that read it then write a sealed access log beside it, `<log>.access.jsonl`,
   * or refuse. Kept as `<log>.access.json` beside the log; `false` takes that away. See docs/cli.md.
   * @defaultValue as it was: reading is not on record unless a command is given `--access-log`
   */
  readonly accessLog?: boolean | AccessLogOptions;
  /** Shown in errors and metrics. @defaultValue `file` */
  readonly name?: string;
}

const KEYS = [
  ...[
    'path',
    'base',
    'fsync',
    'fsyncIntervalMs',
    'rotate',
    'mode',
    'widerMode',
    'reopenOnSighup',
    'checkIntervalMs',
  ],
  'staleLockMs',
  ...['onNotice', 'integrity', 'accessLog', 'name'],
];

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
  const options = typeof given === 'string' ? { path: given } : given;
  requireKnownOptions('FileSink', options, KEYS);
  const { onNotice } = options;
  if (onNotice !== undefined && typeof onNotice !== 'function') reject('onNotice', onNotice, 'a function');
  return {
    path: resolvePath(requireText('path', options.path), optionalText('base', options.base)),
    fsync: optionalChoice('fsync', options.fsync, ['always', 'batch', 'never'], 'batch'),
    fsyncIntervalMs: optionalDelay('fsyncIntervalMs', options.fsyncIntervalMs, { fallback: 1_000, min: 1 }),
    checkIntervalMs: optionalDelay('checkIntervalMs', options.checkIntervalMs, { fallback: 1_000, min: 0 }),
    mode: resolveMode(options.mode),
    widerMode: optionalChoice('widerMode', options.widerMode, ['narrow', 'refuse'], 'narrow'),
    staleLockMs: resolveStaleLock('staleLockMs', options.staleLockMs),
    reopenOnSighup: optionalBoolean('reopenOnSighup', options.reopenOnSighup, false),
    rotate: rotation(options.rotate),
    notices: new Notices(onNotice),
    integrity: options.integrity,
    accessLog: resolveAccessLog(options.accessLog),
    name: optionalText('name', options.name) ?? 'file',
  };
}

/** Modes that let others write the log, or everybody read it, are none for an audit log (PCI DSS 10.3.1 and 10.3.2). */
function resolveMode(given: unknown): number | undefined {
  if (given === undefined || given === 0o600 || given === 0o640) return given;
  return reject('mode', given, '0o600 or 0o640');
}

function rotation(given: RotationOptions | undefined): RotationOptions {
  if (given === undefined) return {};
  requireKnownOptions('rotate', given, ['maxBytes', 'maxAgeMs', 'compress', 'keep']);
  const number = (key: 'maxBytes' | 'maxAgeMs' | 'keep', min: number) =>
    given[key] === undefined
      ? {}
      : { [key]: optionalInteger(`rotate.${key}`, given[key], { fallback: 0, min }) };
  return {
    ...number('maxBytes', 1),
    ...number('maxAgeMs', 1),
    ...number('keep', 1),
    compress: optionalBoolean('rotate.compress', given.compress, false),
  };
}

function resolvePath(given: string, base: string | undefined): string {
  if (given.includes('\0'))
    throw new ConfigError('path', 'got a string with a NUL character in it, expected a path');
  const path = given.replaceAll('{pid}', String(process.pid)).replaceAll('{thread}', String(threadId));
  if (base === undefined) return resolve(path);
  makeFolder(resolve(base));
  const target = resolve(base, path);
  // Twice: what is outside by its name must not even get a folder, and a folder within may be a link that leads out.
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
