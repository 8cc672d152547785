import { randomBytes } from 'node:crypto';
import { ConfigError } from '../errors.js';
import { commitmentKey, KEY_BYTES, type CommitmentKey } from './contentCommitment.js';
import { makeSecretFile, readSecretFile } from './sealing/keys.js';

/**
 * Whether records commit to their content, and who may check it.
 *
 * @see docs/commitments.md
 */
export interface CommitmentOptions {
  /**
   * Commits each record to what was sent and returned, as it was before redaction: keyed digests by which somebody who has the content
   * can prove later that it is that of the record (`prove --content`). They show nothing to who has not the key.
   * @defaultValue true where a sink keeps a file, which the key lies beside, or `commitmentKey` is set
   * @variable OTEL_MCP_LOG_COMMITMENTS
   */
  readonly commitments?: boolean;
  /**
   * The file of the keys of the commitments, made with mode 0600 if it is not there yet. The last key in it is in use.
   * @defaultValue `<log>.commitment.key` beside the log of the first `FileSink`
   * @variable OTEL_MCP_LOG_COMMITMENT_KEY
   */
  readonly commitmentKey?: string;
  /**
   * Whether requests carry the commitment to their arguments in `params._meta`, so that the server's log says whether they arrived as they
   * were sent, and `reconcile` can compare both logs without their content: to all servers, to none, or to those whose address a
   * function returns `true` for.
   * @defaultValue false, since servers of others have no use for it
   * @variable OTEL_MCP_LOG_PROPAGATE_COMMITMENTS
   * @see docs/reconcile.md
   */
  readonly propagateCommitments?: boolean | ((serverAddress: string | undefined) => boolean);
}

/** Longer files are no key files: who names a log by mistake shall not wait until it is read. */
const MAX_KEYS = 10_000;

const HEADER =
  '# Keys of the commitments in a log (docs/commitments.md). The last line is in use; older ones open older records.\n';

/** The path of a log's commitment keys, unless an option names another. */
export function commitmentKeyPath(log: string): string {
  return `${log}.commitment.key`;
}

/**
 * The key that new records are committed with: the last of the file, which is made with mode 0600 if it is not there yet.
 *
 * @param option What the path is called in error texts.
 * @throws {ConfigError} when the file cannot be made or read, others may access it, or it holds no keys.
 */
export function openCommitmentKey(option: string, path: string): CommitmentKey {
  try {
    makeSecretFile(path, `${HEADER}${randomBytes(KEY_BYTES).toString('hex')}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw new ConfigError(option, `the key file ${path} cannot be made (${String(code)})`);
  }
  // Also one that was made just now: of two processes that begin at once, both use the key of the first.
  return readCommitmentKeys(option, path).at(-1) as CommitmentKey;
}

/**
 * All keys of a file, the oldest first: one a line, as 64 hex digits. Lines that begin with `#` are comments.
 *
 * @returns at least one key.
 * @throws {ConfigError} when the file cannot be read, others may access it, or it holds anything else.
 */
export function readCommitmentKeys(option: string, path: string): readonly CommitmentKey[] {
  const lines = readSecretFile(option, path)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const isWhole = lines.every((line) => /^[0-9a-f]{64}$/i.test(line));
  // The line itself may be a secret of another kind, and is not quoted.
  if (lines.length === 0 || lines.length > MAX_KEYS || !isWhole)
    throw new ConfigError(
      option,
      `${path} holds no commitment keys: expected lines of 64 hex digits, as 'openssl rand -hex 32' prints them`,
    );
  return lines.map((line) => commitmentKey(Buffer.from(line, 'hex')));
}
