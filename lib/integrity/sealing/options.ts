import { readFileSync } from 'node:fs';
import { MAX_DELAY_MS } from '../../internal/duration.js';
import {
  optionalBoolean,
  optionalInteger,
  reject,
  requireKnownOptions,
  requireText,
} from '../../internal/validate.js';
import { ConfigError } from '../../errors.js';
import { fileAnchor, type Anchor } from './anchors.js';
import { resolveSigner, type IntegrityKey, type NoteSigner } from './keys.js';
import { parseVkey, type NoteVerifier } from '../tlog/note.js';
import { type TimestampFetch } from './timestamps.js';
import { parsePolicy, reachable, type WitnessPolicy } from '../tlog/policy.js';
import { type WitnessFetch } from './witnesses.js';

/** How a log is sealed. */
export interface IntegrityOptions {
  /** The identity of the log, a schema-less URL by custom: `audit.example.com/agents`. One log, one origin, for good. */
  readonly origin: string;
  /** The key that signs checkpoints: a PEM file, or one of the other forms of {@link IntegrityKey}. */
  readonly key: IntegrityKey;
  /** A checkpoint after so many records. @defaultValue 1000 */
  readonly checkpointEvery?: number;
  /** A record waits no longer than this for its checkpoint, in seconds, whether or not others follow. @defaultValue 10 */
  readonly checkpointSeconds?: number;
  /**
   * Where checkpoints go so that whoever holds the log and the key cannot rewrite both: a path on another volume, or a
   * callback; one, or several.
   * @defaultValue none
   */
  readonly anchor?: string | Anchor | readonly (string | Anchor)[];
  /**
   * Witnesses that cosign checkpoints, so that others vouch for the log (c2sp.org/tlog-witness): the path of a policy
   * (c2sp.org/tlog-policy) whose witnesses have URLs, or the policy's text and a `fetch` of your own.
   * @defaultValue none
   */
  readonly witnesses?: string | WitnessesOptions;
  /**
   * A time-stamping authority (RFC 3161) that proves by when the log was as it is: its address, or that with an interval and a
   * `fetch` of your own.
   * @defaultValue none
   */
  readonly timestamps?: string | TimestampsOptions;
  /**
   * Lets single fields of a record be proved to somebody who shall not see the others (`prove --reveal`): each line carries the
   * seed of its salts, and its leaf commits to each field apart.
   * @defaultValue false
   */
  readonly selective?: boolean;
  /** The verifier keys of earlier keys of this origin: after a change of key, what the old one signed still counts. @defaultValue none */
  readonly previousKeys?: readonly string[];
}

/** The witnesses of a log, where a path does not say it all. */
export interface WitnessesOptions {
  /** The text of a policy (c2sp.org/tlog-policy): witnesses with their keys and URLs, and how many of them are needed. */
  readonly policy: string;
  /** Reaches the witnesses: through a proxy, with client certificates. @defaultValue Node's `fetch` */
  readonly fetch?: WitnessFetch;
}

/** How checkpoints are stamped. */
interface TimestampsOptions {
  /** Where the authority answers RFC 3161 over HTTP (section 3.4); plain `http` is usual, since tokens are signed. */
  readonly url: string;
  /** A stamp no more often than this, in seconds, and one at shutdown. @defaultValue 3600 */
  readonly everySeconds?: number;
  /** Reaches the authority: through a proxy, with credentials. @defaultValue Node's `fetch` */
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
    { readonly url: string; readonly milliseconds: number; readonly fetch: TimestampFetch } | undefined;
}

/**
 * Checks options, and makes the key file where they ask for one.
 *
 * @param option What the options are called in error texts. Default: `integrity`.
 * @throws {ConfigError} when they cannot work.
 */
export function resolveIntegrity(options: IntegrityOptions, option = 'integrity'): ResolvedIntegrity {
  const known = [
    ...['origin', 'key', 'checkpointEvery', 'checkpointSeconds'],
    ...['anchor', 'witnesses', 'timestamps', 'selective', 'previousKeys'],
  ];
  requireKnownOptions(option, options, known);
  const every = optionalInteger(`${option}.checkpointEvery`, options.checkpointEvery, {
    fallback: 1000,
    min: 1,
  });
  const seconds = optionalInteger(`${option}.checkpointSeconds`, options.checkpointSeconds, {
    fallback: 10,
    min: 1,
    max: Math.floor(MAX_DELAY_MS / 1000),
  });
  const anchors = resolveAnchors(`${option}.anchor`, options.anchor);
  const witnesses = resolveWitnesses(`${option}.witnesses`, options.witnesses);
  const timestamps = resolveTimestamps(`${option}.timestamps`, options.timestamps);
  const previous = resolvePrevious(`${option}.previousKeys`, options.previousKeys, options.origin);
  optionalBoolean(`${option}.selective`, options.selective, false);
  const signer = resolveSigner(option, options.origin, options.key);
  return {
    signer,
    verifiers: [signer, ...previous],
    every,
    milliseconds: seconds * 1000,
    anchors,
    witnesses,
    timestamps,
  };
}

function resolveTimestamps(option: string, value: unknown): ResolvedIntegrity['timestamps'] {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return resolveTimestamps(option, { url: value });
  requireKnownOptions(option, value, ['url', 'everySeconds', 'fetch']);
  const given = value as Partial<Record<keyof TimestampsOptions, unknown>>;
  const url = requireText(`${option}.url`, given.url);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(`${option}.url`, 'expected a URL of http or https');
  const seconds = optionalInteger(`${option}.everySeconds`, given.everySeconds, {
    fallback: 3600,
    min: 1,
    max: Math.floor(MAX_DELAY_MS / 1000),
  });
  if (given.fetch !== undefined && typeof given.fetch !== 'function')
    reject(`${option}.fetch`, given.fetch, 'a function');
  const ask = (given.fetch as TimestampFetch | undefined) ?? ((at, init) => fetch(at, init));
  return { url, milliseconds: seconds * 1000, fetch: ask };
}

function resolveWitnesses(option: string, value: unknown): ResolvedIntegrity['witnesses'] {
  if (value === undefined) return undefined;
  if (typeof value === 'string')
    return resolveWitnesses(option, { policy: readPolicy(option, requireText(option, value)) });
  requireKnownOptions(option, value, ['policy', 'fetch']);
  const { policy: text, fetch: given } = value as Partial<Record<keyof WitnessesOptions, unknown>>;
  if (given !== undefined && typeof given !== 'function') reject(`${option}.fetch`, given, 'a function');
  const policy = checked(`${option}.policy`, () =>
    parsePolicy(requireText(`${option}.policy`, text, 'the text of a witness policy')),
  );
  if (reachable(policy).length === 0)
    throw new ConfigError(option, 'no witness of the policy has both a URL and an Ed25519 key');
  return { policy, fetch: (given as WitnessFetch | undefined) ?? ((url, init) => fetch(url, init)) };
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

function resolvePrevious(option: string, value: unknown, origin: string): NoteVerifier[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) reject(option, value, 'a list of verifier keys');
  return value.map((vkey: unknown) => {
    const text = requireText(option, vkey, 'a list of verifier keys');
    const verifier = checked(option, () => parseVkey(text));
    if (verifier.name !== origin)
      throw new ConfigError(option, 'a verifier key in it belongs to another origin');
    return verifier;
  });
}

/** What is no policy or key is a wrong option here. */
function checked<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(option, (error as Error).message);
  }
}
