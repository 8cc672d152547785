import { printable } from '../../internal/text.js';
import type { QueryOptions } from './model.js';

/** A command line for a POSIX shell. */
export interface CommandLine {
  readonly text: string;
  /** Why it gives more records than were asked for; empty where it gives exactly those. */
  readonly wider: string;
}

/** Words that a shell takes as they are. */
const PLAIN = /^[\w@%+:,./][\w@%+=:,./-]*$/;

/** A word in the quotation marks that keep a shell from reading anything into it. */
function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Options whose values are patterns. */
const PATTERNS = new Set([
  ...['actor', 'tool', 'server', 'resource', 'trace', 'session', 'tenant', 'environment', 'component', 'id'],
]);

/** The pattern of `query` that a name fulfils, in which `*` and `?` stand for other characters. */
export function patternFor(name: string): string {
  return name === '' ? '*' : name.replaceAll('*', '?');
}

/** A character that no shell should be given, such as a line feed, is written as `?`. */
function shellSafe(text: string): string {
  return [...text].map((character) => (printable(character) === character ? character : '?')).join('');
}

/** Writes `otel-mcp-log COMMAND OPTION… LOG…`. A value that begins with a dash is joined to its option. */
export function commandLine(
  command: string,
  options: QueryOptions,
  logs: readonly string[],
  wider: readonly string[] = [],
): CommandLine {
  const reasons = [...wider];
  const words = Object.entries(options).flatMap(([name, values]) => {
    if (values === true) return [`--${name}`];
    return values.map((value) => {
      const shown = shellSafe(value);
      if (shown !== value && !PATTERNS.has(name)) {
        reasons.push('a control character cannot be asked for');
        return '';
      }
      return shown.startsWith('-') ? shellWord(`--${name}=${shown}`) : `--${name} ${shellWord(shown)}`;
    });
  });
  const paths = logs.map((log) => shellWord(/^-./.test(log) ? `./${log}` : log === '<stdin>' ? '-' : log));
  const text = ['npx otel-mcp-log', command, ...words, ...paths].filter((word) => word !== '').join(' ');
  return { text: printable(text), wider: [...new Set(reasons)].join('; ') };
}
