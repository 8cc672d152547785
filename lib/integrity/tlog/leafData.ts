import { createHash, createHmac } from 'node:crypto';

/** The first line of what a selective leaf is the hash of. No line of a log has a line feed in it, so no line can pass for it. */
export const SELECTIVE_FORMAT = 'otel-mcp-log/selective@v1';
/** Length of a salt: 128 bits, as RFC 9901, section 4.2.2.1 recommends. */
const SALT_BYTES = 16;
/** The number of digests is a multiple of this, so that it does not tell which fields a record has. */
const DIGESTS = 16;
/** Those whose members are fields of their own. */
const SPLIT: ReadonlySet<string> = new Set(['mcp', 'error']);
/** Commits to which fields there are, and in which order: with the fields, it is the whole line. */
export const ORDER = '_order';

const SEED_BYTES = 32;
const SEED_HEAD = ',"salt":"';
const SEED_CHARACTERS = 43;
const TAIL_LENGTH = SEED_HEAD.length + SEED_CHARACTERS + '"}'.length;

/** One field that is committed to. */
interface SelectiveField {
  /** `actor_id`, `mcp.tool_name`. */
  readonly name: string;
  /** What is shown to reveal it: Base64url of `["<salt>","<name>",<value>]`. */
  readonly disclosure: string;
}

/** A record that fields can be shown of, one by one. */
export interface SelectiveRecord {
  /** In the order of the record. */
  readonly fields: readonly SelectiveField[];
  /** What its leaf is the hash of. */
  readonly data: Buffer;
}

/** A line with the seed of its salts at the end: from there on its fields can be revealed one by one. */
export function withSeed(line: string, seed: Uint8Array): string {
  if (seed.length !== SEED_BYTES) throw new RangeError('a seed has 32 bytes');
  return `${line.slice(0, -1)}${SEED_HEAD}${Buffer.from(seed).toString('base64url')}"}`;
}

/** What the leaf of a line is the hash of: its bytes, or its commitments, where it carries a seed. */
export function leafData(line: Uint8Array): Uint8Array {
  return endsWithSeed(line) ? (selectiveRecord(line)?.data ?? line) : line;
}

/** The record in a line, if it carries a seed; nothing for any other line. */
export function selectiveRecord(line: Uint8Array): SelectiveRecord | undefined {
  if (!endsWithSeed(line)) return undefined;
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const text = bytes.toString('utf8');
  // What is no UTF-8 would come out as another text than it went in.
  if (!Buffer.from(text, 'utf8').equals(bytes)) return undefined;
  const encoded = text.slice(-SEED_CHARACTERS - 2, -2);
  const seed = Buffer.from(encoded, 'base64url');
  if (seed.length !== SEED_BYTES || seed.toString('base64url') !== encoded) return undefined;
  const members = fieldsOf(`${text.slice(0, -TAIL_LENGTH)}}`);
  if (members === undefined) return undefined;
  const order: Member = { name: ORDER, raw: JSON.stringify(members.map(({ name }) => name)) };
  const fields = members.map((member) => fieldOf(seed, member));
  const digests = [...fields, fieldOf(seed, order)].map(({ disclosure }) => digestOf(disclosure));
  while (digests.length % DIGESTS !== 0)
    digests.push(derived(seed, `decoy:${digests.length}`).toString('base64url'));
  return { fields, data: commitmentData(digests.sort()) };
}

/** What a selective leaf is the hash of: the format and the digests in rising order, a line each. */
export function commitmentData(digests: readonly string[]): Buffer {
  return Buffer.from([SELECTIVE_FORMAT, ...digests].map((text) => `${text}\n`).join(''));
}

/** The digest of a disclosure, as in RFC 9901, section 4.2.3: Base64url of SHA-256 over its ASCII text. */
export function digestOf(disclosure: string): string {
  return createHash('sha256').update(disclosure, 'ascii').digest('base64url');
}

function endsWithSeed(line: Uint8Array): boolean {
  const start = line.length - TAIL_LENGTH;
  if (start < 1 || line[line.length - 1] !== 0x7d || line[line.length - 2] !== 0x22) return false;
  for (let at = 0; at < SEED_HEAD.length; at++)
    if (line[start + at] !== SEED_HEAD.charCodeAt(at)) return false;
  return true;
}

function fieldsOf(record: string): Member[] | undefined {
  const members = membersOf(record);
  // A dotted name could not be told from that of a part.
  if (members === undefined || members.some(({ name }) => /[.]|^_/.test(name) || name === 'salt'))
    return undefined;
  return members.flatMap((member) => {
    const parts = SPLIT.has(member.name) ? membersOf(member.raw) : undefined;
    return parts?.map(({ name, raw }) => ({ name: `${member.name}.${name}`, raw })) ?? [member];
  });
}

function fieldOf(seed: Buffer, { name, raw }: Member): SelectiveField {
  const salt = derived(seed, `salt:${name}`).subarray(0, SALT_BYTES).toString('base64url');
  const disclosure = Buffer.from(`["${salt}",${JSON.stringify(name)},${raw}]`).toString('base64url');
  return { name, disclosure };
}

/** Pseudo-random bytes (HMAC-SHA-256): one that is shown tells nothing of the others, nor of the seed. */
function derived(seed: Buffer, label: string): Buffer {
  return createHmac('sha256', seed).update(label).digest();
}

/** A member of a JSON object, as it stands in the text. */
interface Member {
  /** The name, decoded. */
  readonly name: string;
  /** The value's JSON text, byte for byte. */
  readonly raw: string;
}

/**
 * The members of an object, where its text has no white space between them, as our lines have none. Nothing for any other text, for
 * a name that comes twice, and for an object without members: what cannot be put together again from its members is not taken
 * apart.
 */
function membersOf(text: string): Member[] | undefined {
  if (!text.startsWith('{')) return undefined;
  const members: Member[] = [];
  const names = new Set<string>();
  let at = 1;
  for (;;) {
    const nameEnd = endOfString(text, at);
    if (nameEnd === -1 || text[nameEnd] !== ':') return undefined;
    const name = parsed(text.slice(at, nameEnd));
    const end = endOfValue(text, nameEnd + 1);
    if (typeof name !== 'string' || end === -1 || names.has(name)) return undefined;
    const rawName = text.slice(at, nameEnd);
    // One name, one text: `"a"` and `"\u0061"` are the same name, and only one of them can be put together again.
    if (JSON.stringify(name) !== rawName) return undefined;
    names.add(name);
    members.push({ name, raw: text.slice(nameEnd + 1, end) });
    at = end + 1;
    if (text[end] === '}') return at === text.length ? members : undefined;
    if (text[end] !== ',') return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The place after the string that begins here; -1 where none does. */
function endOfString(text: string, start: number): number {
  if (text[start] !== '"') return -1;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** The place after the value that begins here: the comma or the brace that ends the member. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') {
      at = endOfString(text, at) - 1;
      if (at < start) return -1;
    } else if (character === '{' || character === '[') depth++;
    else if (depth > 0 && (character === '}' || character === ']')) depth--;
    else if (depth === 0 && (character === ',' || character === '}')) return at > start ? at : -1;
  }
  return -1;
}
