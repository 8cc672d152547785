import { IntegrityError } from '../../errors.js';
import { parseVkey, parseWitnessVkey, type NoteVerifier } from './note.js';

/** A witness that a policy names. */
export interface PolicyWitness {
  /** What the policy calls it; it means nothing elsewhere. */
  readonly name: string;
  /** Its key. Nothing for a kind of key that cannot be checked here (ML-DSA-44): such a witness counts as silent. */
  readonly verifier: NoteVerifier | undefined;
  /** Where checkpoints are sent: its submission prefix. Nothing if the policy is for verification alone. */
  readonly url: string | undefined;
}

/** A group of witnesses or of other groups. */
interface Group {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

/** Which logs are trusted, which witnesses there are, and how many of them must have cosigned (c2sp.org/tlog-policy). */
export interface WitnessPolicy {
  /** The keys of the logs that the policy is for; none where the log is known from elsewhere. */
  readonly logs: readonly NoteVerifier[];
  /** The witnesses, in the order of the policy. */
  readonly witnesses: readonly PolicyWitness[];
  /** The rule in words, for reports: `2 of (X1, X2, X3)`. */
  readonly rule: string;
  /** Whether these witnesses are enough. */
  isMetBy(cosigners: Iterable<NoteVerifier>): boolean;
}

/** What the first byte of a key says of one that cosigns with ML-DSA-44. */
const ML_DSA_44 = 0x06;
const ML_DSA_44_BYTES = 1312;

/** 32 logs, witnesses and groups each are recommended as a lower bound; larger files are no policy. */
const MAX_BYTES = 1 << 20;

/**
 * Reads a policy.
 *
 * @param text The file; where its bytes are not UTF-8, decoded in any way, since names are compared and nothing else.
 * @throws {IntegrityError} when it is not one; the message names the line.
 * @example
 * ```ts
 * const policy = parsePolicy(await readFile('witness.policy', 'utf8'));
 * policy.isMetBy(cosignaturesOf(note, witnessKeys(policy)).map(({ witness }) => witness));
 * ```
 */
export function parsePolicy(text: string): WitnessPolicy {
  if (text.length > MAX_BYTES) throw new IntegrityError('not a witness policy: longer than 1 MiB');
  const reader = new PolicyReader();
  text.split('\n').forEach((line, index) => {
    try {
      reader.line(line);
    } catch (error) {
      throw new IntegrityError(`the witness policy, line ${index + 1}: ${(error as Error).message}`);
    }
  });
  return reader.finish();
}

/** The policy that asks for all of these witnesses. */
export function policyOfAll(witnesses: readonly PolicyWitness[]): WitnessPolicy {
  const members = witnesses.map(({ name }) => name);
  return policyOf([], witnesses, [{ name: 'all', threshold: members.length, members }], 'all');
}

/** The keys of a policy's witnesses that can be checked here. */
export function witnessKeys({ witnesses }: WitnessPolicy): NoteVerifier[] {
  return witnesses.flatMap(({ verifier }) => verifier ?? []);
}

class PolicyReader {
  readonly #logs: NoteVerifier[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: Group[] = [];
  /** Witnesses and groups share their names. */
  readonly #names = new Set<string>();
  readonly #members = new Set<string>();
  readonly #keys = new Set<string>();
  #quorum: string | undefined;

  line(line: string): void {
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(line)) throw new IntegrityError('control characters are not allowed');
    const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(items);
    else if (keyword === 'witness') this.#witness(items);
    else if (keyword === 'group') this.#group(items);
    else if (keyword === 'quorum') this.#setQuorum(items);
    else throw new IntegrityError(`'${keyword}' is none of log, witness, group and quorum`);
  }

  finish(): WitnessPolicy {
    if (this.#quorum === undefined) throw new IntegrityError('the witness policy has no quorum line');
    return policyOf(this.#logs, this.#witnesses, this.#groups, this.#quorum);
  }

  #log([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw new IntegrityError('expected: log <vkey> [<url>]');
    if (url !== undefined) requireUrl(url);
    const verifier = parseVkey(vkey);
    this.#once('log', verifier);
    this.#logs.push(verifier);
  }

  #witness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0)
      throw new IntegrityError('expected: witness <name> <vkey> [<url>]');
    this.#define(name);
    if (url !== undefined) requireUrl(url);
    const verifier = isMlDsa(vkey) ? undefined : parseWitnessVkey(vkey);
    if (verifier !== undefined) this.#once('witness', verifier);
    this.#witnesses.push({ name, verifier, url });
  }

  #group([name, count, ...members]: readonly string[]): void {
    if (name === undefined || count === undefined || members.length === 0)
      throw new IntegrityError('expected: group <name> (all|any|<k>) <name>...');
    for (const member of members) this.#claim(member);
    const threshold = thresholdOf(count, members.length);
    this.#define(name);
    this.#groups.push({ name, threshold, members });
  }

  #setQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw new IntegrityError('expected: quorum <name>');
    if (this.#quorum !== undefined) throw new IntegrityError('a policy has one quorum line');
    if (name !== 'none') this.#known(name);
    this.#quorum = name;
  }

  #define(name: string): void {
    if (name === 'none') throw new IntegrityError("the name 'none' is reserved");
    if (this.#names.has(name)) throw new IntegrityError(`the name ${name} is taken`);
    this.#names.add(name);
  }

  #known(name: string): void {
    if (!this.#names.has(name)) throw new IntegrityError(`${name} is not defined on a line before this one`);
  }

  /** Each name is a member once at most, so that no witness counts twice. */
  #claim(member: string): void {
    this.#known(member);
    if (this.#members.has(member)) throw new IntegrityError(`${member} is a member of a group already`);
    this.#members.add(member);
  }

  /** The same key under another name is still one party. */
  #once(kind: string, { publicKey }: NoteVerifier): void {
    const key = `${kind} ${String(publicKey.export({ format: 'jwk' }).x)}`;
    if (this.#keys.has(key)) throw new IntegrityError(`this ${kind}'s key is listed already`);
    this.#keys.add(key);
  }
}

function policyOf(
  logs: readonly NoteVerifier[],
  witnesses: readonly PolicyWitness[],
  groups: readonly Group[],
  quorum: string,
): WitnessPolicy {
  return {
    logs,
    witnesses,
    rule: ruleOf(quorum, groups),
    isMetBy(cosigners) {
      if (quorum === 'none') return true;
      const signed = new Set(cosigners);
      const met = new Set(
        witnesses
          .filter(({ verifier }) => verifier !== undefined && signed.has(verifier))
          .map(({ name }) => name),
      );
      // A group names only what stands before it, so one pass settles all of them.
      for (const { name, threshold, members } of groups)
        if (members.filter((member) => met.has(member)).length >= threshold) met.add(name);
      return met.has(quorum);
    },
  };
}

function ruleOf(quorum: string, groups: readonly Group[]): string {
  const rules = new Map<string, string>();
  // A group names only what stands before it; and files may nest them deeper than calls can.
  for (const { name, threshold, members } of groups)
    rules.set(name, `${threshold} of (${members.map((member) => rules.get(member) ?? member).join(', ')})`);
  return rules.get(quorum) ?? quorum;
}

function thresholdOf(count: string, members: number): number {
  if (count === 'all') return members;
  if (count === 'any') return 1;
  const threshold = /^[1-9]\d{0,5}$/.test(count) ? Number(count) : NaN;
  if (!(threshold <= members))
    throw new IntegrityError(`expected all, any, or a number from 1 to ${members}, before the members`);
  return threshold;
}

function requireUrl(url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new IntegrityError('the URL is not one of http or https');
}

function isMlDsa(vkey: string): boolean {
  const [, encoded = ''] = /^[^+]+\+[0-9a-f]{8}\+(\S+)$/u.exec(vkey) ?? [];
  const key = Buffer.from(encoded, 'base64');
  return key[0] === ML_DSA_44 && key.length === 1 + ML_DSA_44_BYTES;
}

/** A witness that can be asked: it has a key that is understood, and an address. */
export type ReachableWitness = PolicyWitness & {
  readonly verifier: NonNullable<PolicyWitness['verifier']>;
  readonly url: string;
};

/** The witnesses of a policy that checkpoints can be sent to. */
export function reachable({ witnesses }: WitnessPolicy): ReachableWitness[] {
  return witnesses.filter(
    (witness): witness is ReachableWitness => witness.verifier !== undefined && witness.url !== undefined,
  );
}
