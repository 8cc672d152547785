import { ConfigError } from '../errors.js';
import { nearest } from './text.js';
import type { Option, OptionSet } from '../options/option.js';
import { OPTIONS } from '../options/tables.js';
import { sayOnce } from './stderr.js';

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
function requireInteger(
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

type Sets = typeof OPTIONS;

/** An interface of options. */
export type OptionSetName = keyof Sets;

/** The options of a set that have a default of their own, which depends on no other option. */
type Defaulted<S extends OptionSetName> = {
  [K in keyof Sets[S]]: Sets[S][K] extends { readonly default: unknown } ? K : never;
}[keyof Sets[S]];

/** Options under today's names, checked, with defaults filled in. */
export type Resolved<S extends OptionSetName, T> = Omit<T, Extract<keyof T, Defaulted<S>>> & {
  readonly [K in Extract<keyof T, Defaulted<S>>]-?: Exclude<T[K], undefined>;
};

/**
 * Checks options against their declaration and fills in the defaults that depend on nothing else. An option of the kind
 * `value` passes as it is: whatever takes it checks it.
 *
 * @param set the interface that declares the options.
 * @param at what errors call the object that holds them.
 * @param prefix what stands before an option's name in errors.
 * @throws ConfigError for anything but an object, for an unknown option, and for the first value that cannot work.
 */
export function checkOptions<const S extends OptionSetName, T extends object>(
  set: S,
  at: string,
  given: T,
  prefix = `${at}.`,
): Resolved<S, T> {
  const options: OptionSet = OPTIONS[set];
  const named = todaysNames(set, at, given, prefix);
  const resolved: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    if (option.renamedTo !== undefined) continue;
    const value = checked(prefix + name, option, named[name as keyof T]);
    if (value !== undefined) resolved[name] = value;
  }
  return resolved as Resolved<S, T>;
}

/** The options under the names that they have today. An old name still works, and one line on stderr names the new one. */
function todaysNames<T extends object>(set: OptionSetName, at: string, given: T, prefix: string): Partial<T> {
  const options: OptionSet = OPTIONS[set];
  requireKnownOptions(at, given, knownNames(options), Object.keys(options));
  const named: Record<string, unknown> = {};
  for (const [name, { renamedTo }] of Object.entries(options)) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined) continue;
    if (renamedTo !== undefined) tellRenamed(prefix, name, renamedTo, value, Reflect.get(given, renamedTo));
    named[renamedTo ?? name] = value;
  }
  return named as Partial<T>;
}

/** @throws ConfigError where the option is also given under today's name, with another value. */
function tellRenamed(prefix: string, name: string, today: string, value: unknown, other: unknown): void {
  if (other !== undefined && other !== value)
    throw new ConfigError(
      prefix + name,
      `is the old name of ${today}, and the two differ; give ${today} alone`,
    );
  sayOnce(
    `the option ${prefix}${name} is called ${today} now; the next minor version will not know its old name`,
  );
}

/** Those of some checked options that a set declares. */
export function ofSet<const S extends OptionSetName, T extends object>(
  set: S,
  options: T,
): Pick<T, Extract<keyof T, keyof Sets[S]>> {
  const given = Object.entries(options).filter(([name]) => Object.hasOwn(OPTIONS[set], name));
  return Object.fromEntries(given) as Pick<T, Extract<keyof T, keyof Sets[S]>>;
}

/** The names that users are to write. */
function knownNames(options: OptionSet): string[] {
  return Object.keys(options).filter((name) => options[name]?.renamedTo === undefined);
}

function checked(at: string, option: Option, value: unknown): unknown {
  if (value === undefined && option.required !== true) return option.default;
  switch (option.kind) {
    case 'boolean':
      return requireBoolean(at, value);
    case 'integer':
      return requireInteger(at, value, option);
    case 'choice':
      return requireChoice(at, value, option.choices ?? []);
    case 'text':
      return requireText(at, value);
    case 'texts':
      return requireTexts(at, value);
    case 'function':
      return typeof value === 'function' ? value : reject(at, value, 'a function');
    case 'value':
      return value;
  }
}
