import { readFileSync } from 'node:fs';
import { checkOptions, requireText } from '../../internal/options.js';
import { ConfigError } from '../../errors.js';
import { fileAnchor, type Anchor } from './anchors.js';
import { resolveSigner, type IntegrityKey, type NoteSigner } from './keys.js';
import { parseVkey, type NoteVerifier } from '../tlog/note.js';
import { type TimestampFetch } from './timestamps.js';
import { parsePolicy, reachable, type WitnessPolicy } from '../tlog/policy.js';
import { type WitnessFetch } from './witnesses.js';

/**
 * How a log is sealed.
 *
 * @see docs/integrity.md
 */
export interface IntegrityOptions {
  /**
   * The identity of the log, a schema-less URL by custom: `audit.example.com/agents`. One log, one origin, for good.
   * @variable OTEL_MCP_LOG_INTEGRITY_ORIGIN none: the file is not sealed
   */
  readonly origin: string;
  /**
   * The key that signs checkpoints: a PEM file (`otel-mcp-log keygen` makes one), or one of the other forms of {@link IntegrityKey}.
   * @variable OTEL_MCP_LOG_INTEGRITY_KEY none; sealing requires it
   */
  readonly key: IntegrityKey;
  /**
   * How many records make a checkpoint.
   * @defaultValue 1,000
   * @minimum 1
   */
  readonly checkpointEvery?: number;
  /**
   * How long a record waits for its checkpoint, whether or not others follow.
   * @defaultValue 10
   * @minimum 1
   * @unit s
   */
  readonly checkpointSeconds?: number;
  /**
   * Where copies of checkpoints go, out of reach of those who hold both the log and the key: a path on another volume, or a
   * callback; one, or several.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_INTEGRITY_ANCHOR
   */
  readonly anchor?: string | Anchor | readonly (string | Anchor)[];
  /**
   * Witnesses that cosign checkpoints, so that others vouch for the log (c2sp.org/tlog-witness): the path of a policy
   * (c2sp.org/tlog-policy) whose witnesses have URLs, or the policy's text and a `fetch` of your own.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_INTEGRITY_WITNESSES
   */
  readonly witnesses?: string | WitnessesOptions;
  /**
   * A time-stamping authority (RFC 3161) that proves by when the log was as it is: its address, or that with an interval and a
   * `fetch` of your own.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_INTEGRITY_TIMESTAMPS
   */
  readonly timestamps?: string | TimestampsOptions;
  /**
   * Lets single fields of a record be proved without showing the others (`prove --reveal`): each line carries the
   * seed of its salts, and its leaf commits to each field apart.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_INTEGRITY_SELECTIVE
   */
  readonly selective?: boolean;
  /**
   * The verifier keys of earlier keys of this origin: after a change of key, what the old one signed still counts.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_INTEGRITY_PREVIOUS_KEYS
   */
  readonly previousKeys?: readonly string[];
}

/**
 * The witnesses of a log, where a path does not say it all.
 *
 * @see docs/integrity.md
 */
export interface WitnessesOptions {
  /** The text of a policy (c2sp.org/tlog-policy): witnesses with their keys and URLs, and how many of them are needed. */
  readonly policy: string;
  /** Sends the requests to the witnesses, e.g. through a proxy or with client certificates. @defaultValue Node's `fetch` */
  readonly fetch?: WitnessFetch;
}

/**
 * How checkpoints are stamped.
 *
 * @see docs/integrity.md
 */
interface TimestampsOptions {
  /** Where the authority answers RFC 3161 over HTTP (section 3.4); plain `http` is usual, since tokens are signed. */
  readonly url: string;
  /**
   * How often a checkpoint is stamped at most; one more stamp is taken at shutdown.
   * @defaultValue 3,600
   * @minimum 1
   * @unit s
   */
  readonly everySeconds?: number;
  /** Sends the requests to the authority, e.g. through a proxy or with credentials. @defaultValue Node's `fetch` */
  readonly fetch?: TimestampFetch;
}

/** Options that have been checked. */
export interface ResolvedIntegrity {
  /** What signs checkpoints. */
  readonly signer: NoteSigner;
  /** The signer and its predecessors. */
  readonly verifiers: readonly NoteVerifier[];
  /** A checkpoint after so many records. */
  readonly every: number;
  /** A record waits no longer than this for its checkpoint. */
  readonly milliseconds: number;
  /** Where checkpoints go. */
  readonly anchors: readonly Anchor[];
  /** Who cosigns checkpoints, and how they are reached. */
  readonly witnesses: { readonly policy: WitnessPolicy; readonly fetch: WitnessFetch } | undefined;
  /** Who stamps checkpoints, how often, and how it is reached. */
  readonly timestamps:
    | { readonly url: string; readonly milliseconds: number; readonly fetch: TimestampFetch }
    | undefined;
}

/**
 * Checks options, and makes the key file where they ask for one.
 *
 * @param option What the options are called in error texts. Default: `integrity`.
 * @throws {ConfigError} when they cannot work.
 */
export function resolveIntegrity(given: IntegrityOptions, option = 'integrity'): ResolvedIntegrity {
  const options = checkOptions('IntegrityOptions', option, given);
  const { origin, key, checkpointEvery: every, checkpointSeconds } = options;
  const anchors = resolveAnchors(`${option}.anchor`, options.anchor);
  const witnesses = resolveWitnesses(`${option}.witnesses`, options.witnesses);
  const timestamps = resolveTimestamps(`${option}.timestamps`, options.timestamps);
  const previous = resolvePrevious(`${option}.previousKeys`, options.previousKeys, origin);
  const signer = resolveSigner(option, origin, key);
  const verifiers = [signer, ...previous];
  return { signer, verifiers, every, milliseconds: checkpointSeconds * 1000, anchors, witnesses, timestamps };
}

function resolveTimestamps(
  option: string,
  given: IntegrityOptions['timestamps'],
): ResolvedIntegrity['timestamps'] {
  if (given === undefined) return undefined;
  const value = typeof given === 'string' ? { url: given } : given;
  const { url, everySeconds, fetch: ask } = checkOptions('TimestampsOptions', option, value);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(`${option}.url`, 'expected a URL of http or https');
  return { url, milliseconds: everySeconds * 1000, fetch: ask ?? ((at, init) => fetch(at, init)) };
}

function resolveWitnesses(
  option: string,
  given: IntegrityOptions['witnesses'],
): ResolvedIntegrity['witnesses'] {
  if (given === undefined) return undefined;
  const value =
    typeof given === 'string' ? { policy: readPolicy(option, requireText(option, given)) } : given;
  const { policy: text, fetch: ask } = checkOptions('WitnessesOptions', option, value);
  const policy = checked(`${option}.policy`, () => parsePolicy(text));
  if (reachable(policy).length === 0)
    throw new ConfigError(option, 'no witness of the policy has both a URL and an Ed25519 key');
  return { policy, fetch: ask ?? ((url, init) => fetch(url, init)) };
}

function readPolicy(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new ConfigError(option, `the witness policy cannot be read (${code})`);
  }
}

function resolveAnchors(option: string, value: unknown): Anchor[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map((anchor: unknown) => {
    if (typeof anchor === 'function') return anchor as Anchor;
    return fileAnchor(requireText(option, anchor, 'a path, a function, or a list of these'));
  });
}

function resolvePrevious(option: string, vkeys: readonly string[] = [], origin: string): NoteVerifier[] {
  return vkeys.map((vkey) => {
    const verifier = checked(option, () => parseVkey(vkey));
    if (verifier.name !== origin)
      throw new ConfigError(option, 'a verifier key in it belongs to another origin');
    return verifier;
  });
}

/** Turns the errors of parsers into errors of the option. */
function checked<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(option, (error as Error).message);
  }
}
