import { reject, requireText } from '../../internal/options.js';
import { compilePattern, type LinearPattern } from '../text/patterns.js';
import {
  ASKING_WORDS,
  COUNTING_WORDS,
  DESCRIBING_WORDS,
  HARMLESS_NAMES,
  NAME_ENDINGS,
  NAMED_KEYS,
  NEVER_TOKENISED,
  NUMBER_NAMES,
  PLAIN_KEYS,
} from './nameLists.js';

/** What a key says of its value. */
export const KeyVerdict = {
  /** Nothing. */
  keep: 0,
  /** It is secret. */
  redact: 1,
  /** It must not be stored in any form, not even as a token. */
  mask: 2,
  /** It is secret if it looks random: the value of `key`, or of a name with a provider's word in it. */
  ifRandom: 3,
} as const;
/** One of the verdicts. */
export type KeyVerdict = (typeof KeyVerdict)[keyof typeof KeyVerdict];

/** What is known of a key. */
export interface KeyFacts {
  readonly verdict: KeyVerdict;
  /** Whether the key itself is known to be harmless and short. Other keys are searched and cut. */
  plain: boolean;
  /** What a property of this name can be for its neighbours; see {@link Role}. */
  readonly role: number;
}

/** Judges a key by its name. The facts are cached, because keys repeat from call to call. */
export type KeyJudge = (key: string) => KeyFacts;

/** Keys whose facts are cached. A full cache is emptied, so that keys made up by a caller cannot fill the memory. */
const CACHE_SIZE = 4_096;

/** Code units of a key that are judged. A longer key is judged by so much of its beginning and of its end. */
const JUDGED_UNITS = 256;
/** The most words of a key that are compared with a name. */
const LONGEST_NAME = 12;

const describing = new Set(DESCRIBING_WORDS);
const counting = new Set(COUNTING_WORDS);
const asking = new Set(ASKING_WORDS);
const neverTokenised = new Set(NEVER_TOKENISED.map((name) => joinWords(name)));
const numbers = new Set(NUMBER_NAMES.map((name) => joinWords(name)));
const harmless = new Set(HARMLESS_NAMES.map((name) => joinWords(name)));
const plainKeys = new Set(PLAIN_KEYS);
const providers = new Set(NAMED_KEYS.map(([, word]) => joinWords(word)));
/** Short names that are secret only if their values look random: `pw` is a password, a country or a width. */
const GUESSED_WORDS = new Set(['crumb', 'mdp', 'psw', 'pw']);
/** Last words that make a name with a provider's word harmless: `github_repo_id`. */
const IDENTIFYING = new Set(
  'app build category channel checksum client code commit count date digest domain event guild hash host id ids image message namespace page path post profile ref region release revision sha team time timestamp topic trace tweet url user username uuid version workspace'.split(
    ' ',
  ),
);

/** Whether a name stands for a number, so that its value must contain a digit. */
export function isNumberName(name: string): boolean {
  return numbers.has(splitWords(name).join(''));
}

/**
 * A judge of keys by names and regular expressions.
 *
 * A name matches where its words stand together in the key, whatever the spelling (`apiKey`, `api_key`, `API-KEY`,
 * `x.api.key`, `apikey`), unless the next word says that the key only describes or measures the thing (`token_count`,
 * `password_policy`). The plural matches too, unless the word before it counts (`max_tokens`). With the default names,
 * `key` and the words of providers are secret where their values look random.
 */
export function compileKeys(
  option: string,
  patterns: readonly unknown[],
  defaults: readonly string[],
  isPlain: (key: string) => boolean,
): KeyJudge {
  const names = new Set(defaults.map((name) => joinWords(name)));
  const expressions: LinearPattern[] = [];
  patterns.forEach((pattern, index) => {
    const at = `${option}[${index}]`;
    if (pattern instanceof RegExp) expressions.push(compilePattern(at, pattern));
    else names.add(joinWords(requireText(at, pattern, 'a non-empty string or a RegExp')));
  });
  if (names.has('')) reject(option, patterns, 'names with at least one letter or digit');
  const guesses = defaults.length > 0;
  return cached((key) => ({
    verdict: judgeEnds(key, (part) => judge(part, names, expressions, guesses)),
    plain: isPlain(key),
    role: roleOf(key),
  }));
}

/** Judges a long key by its two ends, so that the cost has a bound. */
function judgeEnds(key: string, judgePart: (part: string) => KeyVerdict): KeyVerdict {
  if (key.length <= JUDGED_UNITS) return judgePart(key);
  const begin = judgePart(key.slice(0, JUDGED_UNITS));
  return begin === KeyVerdict.keep ? judgePart(key.slice(-JUDGED_UNITS)) : begin;
}

function cached(judgeKey: KeyJudge): KeyJudge {
  const known = new Map<string, KeyFacts>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const facts = judgeKey(key);
    if (key.length > JUDGED_UNITS) return facts;
    if (known.size >= CACHE_SIZE) known.clear();
    known.set(key, facts);
    return facts;
  };
}

function judge(
  key: string,
  names: ReadonlySet<string>,
  expressions: readonly LinearPattern[],
  guesses: boolean,
): KeyVerdict {
  const words = splitWords(key);
  const verdict = judgeWords(words, names, guesses);
  if (verdict === KeyVerdict.redact || verdict === KeyVerdict.mask) return verdict;
  return expressions.some((expression) => expression.test(key)) ? KeyVerdict.redact : verdict;
}

function judgeWords(words: readonly string[], names: ReadonlySet<string>, guesses: boolean): KeyVerdict {
  let verdict: KeyVerdict = KeyVerdict.keep;
  if (guesses && words.length > 1 && asking.has(words[0] ?? '')) return verdict;
  for (let start = 0; start < words.length; start++) {
    const name = longestName(words, start, names, guesses);
    if (name === undefined) continue;
    if (neverTokenised.has(name)) return KeyVerdict.mask;
    verdict = KeyVerdict.redact;
  }
  return verdict === KeyVerdict.keep && guesses && mayNameKey(words) ? KeyVerdict.ifRandom : verdict;
}

/** The longest name that begins at a word, unless the next word makes it harmless: `secret_key` in `secret_key_ref`. */
function longestName(
  words: readonly string[],
  start: number,
  names: ReadonlySet<string>,
  guesses: boolean,
): string | undefined {
  let joined = '';
  let longest: string | undefined;
  for (let end = start; end < words.length && end < start + LONGEST_NAME; end++) {
    joined += words[end];
    const name =
      nameIn(names, joined, words[start - 1]) ?? (guesses && end === start ? endingOf(joined) : undefined);
    if (name === undefined) continue;
    longest =
      isDescribed(words, end, guesses) || (guesses && isHarmless(words, start, end, name)) ? undefined : name;
  }
  return longest;
}

/** Whether the next word or the last only describes the secret: `token_count`, `password_reset_url`. */
function isDescribed(words: readonly string[], end: number, guesses: boolean): boolean {
  if (describing.has(nextWord(words, end))) return true;
  return guesses && end < words.length - 1 && describing.has(words.at(-1) ?? '');
}

/** Whether the word before or behind the name changes its meaning: `eos_token`, `token_id`. */
function isHarmless(words: readonly string[], start: number, end: number, name: string): boolean {
  const after = nextWord(words, end);
  if (/^ids?$/.test(after) && name.endsWith('key') && name !== 'accesskey') return true;
  return (
    harmless.has(`${words[start - 1] ?? ''}${name}`) || harmless.has(`${name}${after.replace(/s$/, '')}`)
  );
}

/** The name at the end of a longer word: `dbpassword`. */
function endingOf(word: string): string | undefined {
  return NAME_ENDINGS.find((name) => word.length > name.length && word.endsWith(name));
}

/** Whether a value is secret if it looks random: of `coinapi_key`, `master.key`, and of most names with a provider's word. */
function mayNameKey(words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (last === 'key' || last === 'keys') return !plainKeys.has(before);
  if (last.endsWith('key') && !plainKeys.has(last) && !plainKeys.has(last.slice(0, -3))) return true;
  if (GUESSED_WORDS.has(last)) return true;
  if (words.some((word) => word === 'signature' || word === 'sig'))
    return !IDENTIFYING.has(last) && !describing.has(last);
  if (IDENTIFYING.has(last) || describing.has(last)) return false;
  return words.some((word, index) => providers.has(word) || providers.has(word + (words[index + 1] ?? '')));
}

/** The name that the joined words spell. The plural counts too, unless the word before makes it a count. */
function nameIn(names: ReadonlySet<string>, joined: string, before: string | undefined): string | undefined {
  if (names.has(joined)) return joined;
  if (!joined.endsWith('s') || (before !== undefined && counting.has(before))) return undefined;
  const singular = joined.slice(0, -1);
  return names.has(singular) ? singular : undefined;
}

/** The word behind `end`, skipping numbers: `policy` in `cvv2_policy`. */
function nextWord(words: readonly string[], end: number): string {
  for (let next = end + 1; next < words.length; next++) {
    const word = words[next] ?? '';
    if (!/^\d+$/.test(word)) return word;
  }
  return '';
}

/**
 * The words of a key in lower case. A key is split at every character that is neither letter nor digit, between letters and
 * digits, and at the capitals of camel case, after invisible characters were dropped and full-width forms folded (NFKC).
 */
export function splitWords(key: string): string[] {
  const parts = (isAscii(key) ? asciiParts(key) : unicodeParts(key)) ?? [];
  return parts.map((part) => part.toLowerCase());
}

function isAscii(key: string): boolean {
  return !/[^\0-\x7f]/.test(key);
}

/** The same rule for ASCII: nearly all keys are ASCII, and building the tables of Unicode takes 2 ms at start-up. */
function asciiParts(key: string): string[] | null {
  return key.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g);
}

function unicodeParts(key: string): string[] | null {
  const plain = key.normalize('NFKC').replace(/\p{Cf}/gu, '');
  return plain.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}]+|\p{Lu}|\p{N}+/gu);
}

/** The words of a name written as one. */
function joinWords(name: string): string {
  return splitWords(name).join('');
}

/**
 * The literals of which a text must contain one if it contains one of these names: the words of the name with nothing or one
 * sign between them. With `guesses` the words are added whose values are secret if they look random.
 */
export function nameLiterals(names: readonly string[], guesses: boolean): string[] {
  const literals = names.flatMap((name) => {
    const words = splitWords(name);
    return words.length === 1 ? words : ['', '_', '-', ' ', '.'].map((sign) => words.join(sign));
  });
  if (guesses)
    literals.push(
      'key',
      ...GUESSED_WORDS,
      'signature',
      'sig',
      ...NAME_ENDINGS,
      ...providers,
      'new_relic',
      'new-relic',
      'linked_in',
      'linked-in',
    );
  return [...new Set(literals)];
}

/** What a property can be for its neighbours, told by its name. These are bits, so that an object's properties can be or-ed. */
export const Role = {
  none: 0,
  /** Its value names the neighbour's value: `name`, `selector`, `label`. */
  names: 1,
  /** Its value is named by a neighbour: `value`, `text`. */
  value: 2,
  /** The tool of a command line. */
  tool: 4,
  /** The arguments of a command line. */
  words: 8,
  /** The column names of a table. */
  columns: 16,
  /** The rows of a table. */
  rows: 32,
  /** The kind of a Kubernetes object. */
  kind: 64,
  /** The data of a Kubernetes object. */
  data: 128,
} as const;

const ROLES: readonly (readonly [role: number, names: string])[] = [
  [
    Role.names,
    'name key header field label id type selector element placeholder locator xpath css target parameterkey paramname ' +
      'parametername variable variablename varname param parameter property option fieldname inputname attribute ' +
      'question prompt title setting env keyname headername aria ref',
  ],
  [
    Role.value,
    'value text val content contents input parametervalue paramvalue newvalue fieldvalue answer response securevalue ' +
      'currentvalue string keys data default defaultvalue',
  ],
  [Role.tool, 'command cmd program executable exe binary file tool'],
  [Role.words, 'args arguments argv params parameters'],
  [Role.columns, 'columns headers fields header columnnames schema'],
  [Role.rows, 'rows data values records'],
  [Role.kind, 'kind'],
  [Role.data, 'data stringdata'],
];
const byName = new Map<string, number>();
for (const [role, names] of ROLES)
  for (const name of names.split(' ')) byName.set(name, (byName.get(name) ?? 0) | role);

/** The roles of a property of this name, in any spelling. */
export function roleOf(key: string): number {
  return key.length > 24 ? Role.none : (byName.get(key.toLowerCase().replace(/[_-]/g, '')) ?? Role.none);
}
