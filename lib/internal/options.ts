import { ConfigError } from '../errors.js';
import type { Option, OptionSet } from '../options/option.js';
import { OPTIONS } from '../options/tables.js';
import { sayOnce } from './stderr.js';
import {
  reject,
  requireBoolean,
  requireChoice,
  requireInteger,
  requireKnownOptions,
  requireText,
  requireTexts,
} from './validate.js';

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
