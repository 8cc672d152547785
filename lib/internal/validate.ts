import { ConfigError } from '../errors.js';
import { nearest } from './nearest.js';

/** What a value is, in words fit for an error text: never the value itself. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string';
  if (typeof value !== 'object') return typeof value;
  try {
    if (Array.isArray(value)) return 'an array';
    return value.constructor?.name ?? 'an object';
  } catch {
    // A Proxy that was revoked, or whose traps throw.
    return 'an object';
  }
}

/** Throws the one kind of sentence that bad input gets: which option, what it was, what is accepted. */
export function reject(option: string, value: unknown, accepted: string): never {
  throw new ConfigError(option, `got ${typeName(value)}, expected ${accepted}`);
}

/** A non-empty string. */
export function requireText(option: string, value: unknown, accepted = 'a non-empty string'): string {
  if (typeof value !== 'string' || value.trim() === '') reject(option, value, accepted);
  return value;
}

/** Non-empty strings. */
export function requireTexts(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) reject(option, value, 'an array of strings');
  return value.map((text, index) => requireText(`${option}[${index}]`, text));
}

/** True or false. */
export function requireBoolean(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') reject(option, value, 'true or false');
  return value;
}

/** A boolean, or the default. */
export function optionalBoolean(option: string, value: unknown, fallback: boolean): boolean {
  return value === undefined ? fallback : requireBoolean(option, value);
}

/** A whole number within bounds. */
export function requireInteger(
  option: string,
  value: unknown,
  {
    minimum = 0,
    maximum = Number.MAX_SAFE_INTEGER,
  }: { readonly minimum?: number; readonly maximum?: number },
): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum || value > maximum) {
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of ${minimum} or more` : `from ${minimum} to ${maximum}`;
    throw new ConfigError(
      option,
      `got ${typeof value === 'number' ? 'a number out of range' : typeName(value)}, expected a whole number ${range}`,
    );
  }
  return value;
}

/** One of a few words. */
export function requireChoice<const T extends string>(
  option: string,
  value: unknown,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    reject(option, value, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
  return found;
}

/** One of a few words, or the default. */
export function optionalChoice<const T extends string>(
  option: string,
  value: unknown,
  choices: readonly T[],
  fallback: T,
): T {
  return value === undefined ? fallback : requireChoice(option, value, choices);
}

/** A plain options object with no other keys than those it may have: a misspelt option must not pass silently. */
export function requireKnownOptions(
  option: string,
  value: unknown,
  known: readonly string[],
  taken: readonly string[] = known,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    reject(option, value, 'an options object');
  for (const key of Object.keys(value)) {
    if (taken.includes(key)) continue;
    const meant = nearest(key, known);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw new ConfigError(`${option}.${key}`, `unknown option; known are ${known.join(', ')}${hint}`);
  }
}

/** The items of a list whose commas separate. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `name=value` pairs, percent-encoded, as the OpenTelemetry specification has them for headers and resource attributes. */
export function requirePairs(option: string, text: string): [string, string][] {
  return splitList(text).map((item) => {
    const at = item.indexOf('=');
    if (at < 1) throw new ConfigError(option, 'expected name=value pairs, separated by commas');
    try {
      return [item.slice(0, at).trim(), decodeURIComponent(item.slice(at + 1).trim())];
    } catch {
      throw new ConfigError(option, 'got a value that is not percent-encoded text');
    }
  });
}
