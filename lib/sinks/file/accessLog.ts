import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ConfigError } from '../../errors.js';
import { checkOptions } from '../../internal/options.js';
import { FILE_MODE } from './open.js';

/**
 * Whether reading a log is on record, and how that access log is sealed.
 *
 * @see docs/cli.md
 */
export interface AccessLogOptions {
  /**
   * The Ed25519 key (PKCS#8 PEM) that signs the access log: a file that exists, and that those who read the log may read.
   * @defaultValue `<log>.access.key`, made with mode 0600 by the first who reads
   */
  readonly key?: string;
  /** The origin of the access log, as in its verifier key. @defaultValue the host and the name of the file */
  readonly origin?: string;
  /** Whether a command must be given a `--purpose`. @defaultValue false */
  readonly requirePurpose?: boolean;
}

/** What lies beside a log for those who read it. */
export interface AccessLayout {
  /** The access log: who has read the log. */
  readonly log: string;
  /** What the log's configuration says of it. */
  readonly description: string;
  /** The key that signs it, unless the configuration names another. */
  readonly key: string;
}

/** Where the access log of a log lies. Pure: it touches no file. */
export function accessLayout(log: string): AccessLayout {
  return { log: `${log}.access.jsonl`, description: `${log}.access.json`, key: `${log}.access.key` };
}

const VERSION = 1;

/** @throws ConfigError */
export function resolveAccessLog(given: unknown): AccessLogOptions | false | undefined {
  if (given === undefined || typeof given === 'boolean') return given === true ? {} : given;
  return checked('accessLog', given);
}

function checked(option: string, given: unknown): AccessLogOptions {
  const { requirePurpose, ...rest } = checkOptions('AccessLogOptions', option, given as AccessLogOptions);
  return requirePurpose ? { ...rest, requirePurpose } : rest;
}

/**
 * Leaves the configuration beside the log, where the commands that read it find it; `false` takes it away.
 *
 * @throws ConfigError when it cannot be written.
 */
export function describeAccessLog(log: string, options: AccessLogOptions | false): void {
  const { description } = accessLayout(log);
  const temporary = `${description}.new`;
  try {
    if (options === false) return rmSync(description, { force: true });
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${JSON.stringify({ version: VERSION, ...options })}\n`, {
      flag: 'wx',
      // Those whom the log's own mode lets read it must be able to see this; it holds no secret.
      mode: FILE_MODE | 0o044,
    });
    renameSync(temporary, description);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigError('accessLog', `cannot write ${description}: ${code}`);
  }
}

/**
 * What the configuration of a log says of its access log; nothing where reading is not on record.
 *
 * @throws ConfigError when it says so in a form that is not known: reading unrecorded would then be a guess.
 */
export function readAccessDescription(log: string): AccessLogOptions | undefined {
  const { description } = accessLayout(log);
  let text: string;
  try {
    text = readFileSync(description, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError('accessLog', `cannot read ${description}: ${code}`);
  }
  try {
    const { version, ...options } = JSON.parse(text) as Record<string, unknown>;
    if (version === VERSION) return checked('accessLog', options);
  } catch {
    // Said below.
  }
  throw new ConfigError('accessLog', `${description} is not of a known form`);
}
