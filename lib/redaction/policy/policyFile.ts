import { ConfigError } from '../../errors.js';
import type { RedactionOptions } from './options.js';

/**
 * The options that a policy in JSON stands for. JSON has no regular expressions: `{ "regex": "^x-", "flags": "i" }` stands
 * for one. Whether the options are right is for `createRedactor` to say.
 *
 * @throws ConfigError when a regular expression has a syntax error.
 *
 * @example
 * ```ts
 * createRedactor(parsePolicy({ redactPatterns: ['iban', { regex: '^x-internal-', flags: 'i' }] }));
 * ```
 */
export function parsePolicy(json: unknown): RedactionOptions {
  return revive(json, 'policy') as RedactionOptions;
}

function revive(value: unknown, option: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => revive(item, `${option}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  if ('regex' in value && typeof value.regex === 'string') {
    return expression(value.regex, 'flags' in value ? value.flags : undefined, option);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, revive(item, `${option}.${key}`)]),
  );
}

function expression(source: string, flags: unknown, option: string): RegExp {
  try {
    return new RegExp(source, typeof flags === 'string' ? flags : '');
  } catch {
    throw new ConfigError(option, 'not a regular expression');
  }
}
