import { ConfigError } from '../errors.js';

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

/** A non-empty string, or nothing. */
export function optionalText(option: string, value: unknown): string | undefined {
  return value === undefined ? undefined : requireText(option, value);
}

/** A boolean, or the default. */
export function optionalBoolean(option: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') reject(option, value, 'true or false');
  return value;
}

/** A whole number within bounds, or the default. */
export function optionalInteger(
  option: string,
  value: unknown,
  { fallback, min, max = Number.MAX_SAFE_INTEGER }: { fallback: number; min: number; max?: number },
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new ConfigError(
      option,
      `got ${typeof value === 'number' ? 'a number out of range' : typeName(value)}, expected a whole number ${range}`,
    );
  }
  return value;
}

/** One of a few words, or the default. */
export function optionalChoice<const T extends string>(
  option: string,
  value: unknown,
  choices: readonly T[],
  fallback: T,
): T {
  if (value === undefined) return fallback;
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    reject(option, value, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
  return found;
}

/** A plain options object with no other keys than the known ones: a misspelt option must not pass silently. */
export function requireKnownOptions(option: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    reject(option, value, 'an options object');
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw new ConfigError(`${option}.${key}`, `unknown option; known are ${known.join(', ')}`);
  }
}
