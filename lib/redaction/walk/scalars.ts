import { isCard } from '../detectors/personalData/finance.js';
import { KeyVerdict } from '../keys/keyNames.js';
import { isUuid, looksSecret } from '../text/random.js';
import { FAILED, Marker } from '../text/replacement.js';
import type { Pass } from './pass.js';
import { keepString } from './strings.js';

/** A smaller integer has fewer digits than any card number. */
const SHORTEST_CARD = 1e12;

/** How deep and how broad a hidden object is searched for secrets that may be repeated elsewhere. */
const MOST_DEPTH = 4;
const MOST_ITEMS = 32;

/** The result for a value that is dropped together with its key. */
export const GONE = Symbol('gone');

/** Redacts a value that is not an object. `key` is its key below the walk's place. */
export function keepScalar(value: unknown, key: string | undefined, pass: Pass): unknown {
  if (pass.policy.custom !== undefined) return keepCustom(value, key, pass);
  return keepPlain(value, key, pass);
}

function keepPlain(value: unknown, key: string | undefined, pass: Pass): unknown {
  switch (typeof value) {
    case 'string':
      return keepString(value, key, pass);
    case 'number':
      return keepNumber(value, pass);
    case 'bigint':
      return keepDigits(value.toString(), pass) ?? keepString(`${value}n`, key, pass);
    case 'function':
      return Marker.function;
    case 'symbol':
      return Marker.symbol;
    default:
      return value;
  }
}

function keepNumber(value: number, pass: Pass): number | string {
  pass.units += 1;
  pass.slack += 24;
  if (!Number.isFinite(value)) return `[${value}]`;
  if (value < SHORTEST_CARD || !Number.isInteger(value)) return value;
  return keepDigits(String(value), pass) ?? value;
}

/** The replacement of a card number; undefined for any other number. */
function keepDigits(digits: string, pass: Pass): string | undefined {
  return pass.policy.on.has('card') && isCard(digits) ? pass.hide(digits) : undefined;
}

/** Calls the user's function, then searches what it returned. */
function keepCustom(value: unknown, key: string | undefined, pass: Pass): unknown {
  const { custom } = pass.policy;
  if (custom === undefined || !isCustomInput(value)) return keepPlain(value, key, pass);
  let result: unknown;
  try {
    result = custom(value, (key === undefined ? pass.path : [...pass.path, key]).join('.'), pass.context);
  } catch {
    return failed(pass);
  }
  if (result === undefined) return hideValue(value, pass, false);
  if (result !== null && !isCustomInput(result)) return failed(pass);
  if (result !== value) pass.changes++;
  return keepPlain(result, key, pass);
}

function isCustomInput(value: unknown): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function failed(pass: Pass): string {
  pass.changes++;
  return FAILED;
}

/**
 * What replaces a value that a key or a path hides. Objects are masked as a whole, because their keys can reveal as much as their
 * values. Null and undefined reveal nothing and are kept.
 */
export function hideValue(value: unknown, pass: Pass, mask: boolean): unknown {
  if (value === null || value === undefined) return value;
  const text = scalarText(value);
  if (text === undefined) addSecretsWithin(value, pass, 0);
  else pass.secrets.add(text);
  if (pass.policy.replacer.kind === 'drop') {
    pass.changes++;
    return GONE;
  }
  pass.slack += 80;
  return pass.hide(text ?? '', mask || text === undefined);
}

/** Adds what looks like a secret within a hidden object, because it may be repeated elsewhere. Words and names are not added. */
function addSecretsWithin(value: unknown, pass: Pass, depth: number): void {
  if (
    typeof value === 'string' &&
    /\d/.test(value) &&
    /[A-Za-z]/.test(value) &&
    !/\s/.test(value) &&
    !isUuid(value)
  ) {
    pass.secrets.add(value);
  }
  if (typeof value !== 'object' || value === null || depth > MOST_DEPTH) return;
  try {
    for (const item of Object.values(value).slice(0, MOST_ITEMS)) addSecretsWithin(item, pass, depth + 1);
  } catch {
    // What cannot be read is not repeated elsewhere either.
  }
}

/** The text from which a token is made: a string, a number and a bigint with the same digits give the same token. */
function scalarText(value: unknown): string | undefined {
  return isCustomInput(value) ? String(value) : undefined;
}

/** Whether a value is secret by the verdict on its key. */
export function isSecretValue(verdict: KeyVerdict, value: unknown): boolean {
  if (verdict !== KeyVerdict.ifRandom) return verdict !== KeyVerdict.keep;
  return typeof value === 'string' && looksSecret(value);
}
