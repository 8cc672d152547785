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
   * @defaultValue `<log>.access.key`, which the first reader makes with mode 0600
   */
  readonly key?: string;
  /** The origin of the access log, as in its verifier key. @defaultValue the host and the name of the file */
  readonly origin?: string;
  /** Whether a command must be given a `--purpose`. @defaultValue false */
  readonly requirePurpose?: boolean;
}

/** The files beside a log that belong to its access log. */
export interface AccessLayout {
  /** The access log: who has read the log. */
  readonly log: string;
  /** The log's configuration of it. */
  readonly description: string;
  /** The key that signs it, unless the configuration names another. */
  readonly key: string;
}

/** The paths of a log's access log. Touches no file. */
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
 * Writes the configuration beside the log, where the commands that read the log find it; `false` removes it.
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
      // Everybody may read it, because it must be readable to all readers of the log; it holds no secret.
      mode: FILE_MODE | 0o044,
    });
    renameSync(temporary, description);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigError('accessLog', `cannot write ${description}: ${code}`);
  }
}

/**
 * Reads the configuration of a log's access log; nothing where reading is not on record.
 *
 * @throws ConfigError when it has an unknown form: nobody may then read unrecorded on a guess.
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
    // The error below says it.
  }
  throw new ConfigError('accessLog', `${description} has an unknown form`);
}
