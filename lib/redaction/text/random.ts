/** A shorter text cannot be recognized as a key by its looks. */
const SHORTEST = 8;
/** The shortest text that counts as a secret where its name only suggests one. */
const SHORTEST_GUESS = 12;
/** The characters of keys, and all characters but those that begin expressions of programs. */
const KEY_SIGNS = /^[\w+/=.~:-]+$/;
const ANY_SIGNS = /^(?![$@%&])[\w+/=.~:|?!@#%^&*$-]+$/;
/** So much of a longer text is judged. */
const JUDGED = 256;
/** The least bits of entropy per character (Shannon); repetitive words and numbers have less. */
const LEAST_ENTROPY = 2.5;
/** Letters that look like a word, in lower case: there is a vowel among them. */
const WORD = /^[a-z]*[aeiouy][a-z]*$/;
/** The digit at the beginning of a part of a camel-case name: `3Access` in `S3AccessPoint`. */
const LETTERED = /^\d(?=[A-Z][a-z]{3})/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Whether a text looks random, as keys do and names do not: one word in the alphabets of keys, with letters and digits mixed,
 * and not composed of words, numbers and dates.
 */
export function looksRandom(text: string, shortest = SHORTEST, alphabet = KEY_SIGNS): boolean {
  if (text.length < shortest || !alphabet.test(text)) return false;
  const judged = text.slice(0, JUDGED);
  if (!/\d/.test(judged) || !/[A-Za-z]/.test(judged)) return mixedCase(judged);
  return entropy(judged) >= LEAST_ENTROPY && !isComposed(judged);
}

/** Whether a value whose name only suggests a secret looks like one: random, in any characters, and not a UUID. */
export function looksSecret(text: string, shortest = SHORTEST_GUESS): boolean {
  return looksRandom(text, shortest, ANY_SIGNS) && !isUuid(text);
}

/** Whether a text is a UUID, which is an identifier more often than a secret. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Whether letters alone look random, because their case changes often. */
function mixedCase(text: string): boolean {
  const changes = text.match(/[a-z][A-Z]/g)?.length ?? 0;
  return text.length >= 16 && /^[A-Za-z_-]+$/.test(text) && changes >= text.length / 6;
}

/** Whether a text consists of words, numbers, versions and dates: `order-17`, `gpt-4o-mini`, `2026-01-02`, `node18`. */
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
