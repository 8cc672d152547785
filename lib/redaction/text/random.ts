/** A text shorter than this is too short to tell a key by its looks. */
const SHORTEST = 8;
/** A text that stands where a secret may, but need not, is at least so long. */
const SHORTEST_GUESS = 12;
/** The signs that keys are written in, and all that stand in no expression of a program. */
const KEY_SIGNS = /^[\w+/=.~:-]+$/;
const ANY_SIGNS = /^(?![$@%&])[\w+/=.~:|?!@#%^&*$-]+$/;
/** Longer ones are judged by their beginning. */
const JUDGED = 256;
/** Bits of entropy a character (Shannon) that words and numbers of one kind do not reach. */
const LEAST_ENTROPY = 2.5;
/** Letters in a row that look like a word when they are all small ones, with a vowel among them. */
const WORD = /^[a-z]*[aeiouy][a-z]*$/;
/** The digit that begins a part of a name in camel case: `3Access` of `S3AccessPoint`. */
const LETTERED = /^\d(?=[A-Z][a-z]{3})/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Whether a text looks as if it had been drawn at random, as keys are, and not thought of, as names are: one word in the
 * alphabets of keys, with letters and digits mixed, and not put together from words, numbers and dates.
 */
export function looksRandom(text: string, shortest = SHORTEST, alphabet = KEY_SIGNS): boolean {
  if (text.length < shortest || !alphabet.test(text)) return false;
  const judged = text.slice(0, JUDGED);
  if (!/\d/.test(judged) || !/[A-Za-z]/.test(judged)) return mixedCase(judged);
  return entropy(judged) >= LEAST_ENTROPY && !isComposed(judged);
}

/** Whether a value whose name only suggests a secret looks like one: drawn at random, in any signs, and no UUID. */
export function looksSecret(text: string, shortest = SHORTEST_GUESS): boolean {
  return looksRandom(text, shortest, ANY_SIGNS) && !isUuid(text);
}

/** A UUID names things more often than it opens them. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Letters alone look random where their case changes again and again. */
function mixedCase(text: string): boolean {
  const changes = text.match(/[a-z][A-Z]/g)?.length ?? 0;
  return text.length >= 16 && /^[A-Za-z_-]+$/.test(text) && changes >= text.length / 6;
}

/** Words, numbers, versions and dates, with signs between them: `order-17`, `gpt-4o-mini`, `2026-01-02`, `node18`. */
function isComposed(text: string): boolean {
  const parts = text
    .split(/[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)/)
    .filter((part) => part !== '');
  return (
    parts.every(
      (part) =>
        /^\d{1,8}[a-z]?$/.test(part) ||
        part.length < 3 ||
        WORD.test(part.replace(LETTERED, '').toLowerCase()),
    ) && parts.filter((part) => part.length > 2 && !/\d/.test(part)).length >= parts.length / 3
  );
}

function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
