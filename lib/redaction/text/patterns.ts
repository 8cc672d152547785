import { RE2JS } from 're2js';
import { ConfigError } from '../../errors.js';
import { reject } from '../../internal/options.js';

/**
 * A regular expression of the user's that is run by RE2's algorithm (re2js, a port to JavaScript). Its time is linear in the text
 * for every pattern; JavaScript's own engine can take exponential time (ReDoS, CWE-1333).
 */
export interface LinearPattern {
  test(text: string): boolean;
  /** The text with every match replaced, except empty ones. */
  replace(text: string, replacement: (match: string) => string): string;
}

/** An unbounded repeat of nothing but an unbounded repeat: `(a+)+`, `(?:\w*)*`, `([^,]+){2,}`. */
const NESTED_REPEAT =
  /\((?:\?:|\?<[^>]*>)?(?:\\(?:[pP]\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|[^\\()[\]])(?:[*+]|\{\d+,\})\??\)(?:[*+]|\{\d+,\})/s;

/** The most instructions of a compiled pattern: this bounds the factor of the linear time. */
const MAX_PROGRAM = 2_000;

/**
 * Compiles a regular expression to run in linear time.
 *
 * @throws ConfigError if it cannot: look-around and back references have no linear algorithm. A nested repeat such as `(a+)+` is
 * refused too: it means the same as `a+`, but hangs any backtracking engine that is given the same policy.
 */
export function compilePattern(option: string, pattern: unknown): LinearPattern {
  if (!(pattern instanceof RegExp)) reject(option, pattern, 'a RegExp');
  if (NESTED_REPEAT.test(pattern.source)) {
    throw new ConfigError(
      option,
      'an unsafe pattern: a repeat of a repeat, e.g. (a+)+, where a+ says the same',
    );
  }
  const compiled = compileLinear(option, pattern);
  if (compiled.programSize() > MAX_PROGRAM) {
    throw new ConfigError(option, 'an unsafe pattern: its counted repeats multiply to too many steps');
  }
  return {
    test: (text) => compiled.test(text),
    replace: (text, replacement) => replaceMatches(compiled, text, replacement),
  };
}

function compileLinear(option: string, pattern: RegExp): RE2JS {
  const flags =
    (pattern.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) |
    (pattern.multiline ? RE2JS.MULTILINE : 0) |
    (pattern.dotAll ? RE2JS.DOTALL : 0);
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern), flags);
  } catch {
    throw new ConfigError(
      option,
      'an unsafe or unknown pattern: it must run in linear time, so without look-around and back references (RE2 syntax)',
    );
  }
}

function replaceMatches(pattern: RE2JS, text: string, replacement: (match: string) => string): string {
  const matcher = pattern.matcher(text);
  let out = '';
  let end = 0;
  while (matcher.find()) {
    const start = matcher.start();
    const match = text.slice(start, matcher.end());
    if (match === '') continue;
    out += text.slice(end, start) + replacement(match);
    end = matcher.end();
  }
  return end === 0 ? text : out + text.slice(end);
}
