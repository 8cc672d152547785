import type { Redactor } from './createRedactor.js';

/** `--name=value`, `NAME=value`, `Name: value`. The value may contain line ends. */
const ASSIGNMENT = /^(-{0,2}|\/)([A-Za-z][\w.-]*)(=|:\s+)(.*)$/s;
/** `--name` alone, whose value is the next argument. */
const FLAG = /^(?:--?|\/)([A-Za-z][\w.-]*)$/;
const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * A command with its arguments as one line, without secrets: the values of flags and assignments whose names the policy hides
 * (`--api-key x`, `--token=x`, `API_KEY=x`, `Authorization: x`), and what the policy finds in the other words. A secret without a
 * name (`-pX`, a bare password) cannot be told from another word.
 */
export function commandLine(command: readonly string[], redactor: Redactor): string {
  let name: string | undefined;
  const words = command.map((word) => {
    const nameBefore = name;
    name = FLAG.exec(word)?.[1];
    return quoted(nameBefore === undefined ? argument(word, redactor) : named(nameBefore, word, redactor));
  });
  return words.join(' ');
}

function argument(word: string, redactor: Redactor): string {
  if (URL_LIKE.test(word)) return redactor.uri(word);
  const [, dashes, key, sign, value] = ASSIGNMENT.exec(word) ?? [];
  if (key === undefined || value === undefined) return redactor.text(word);
  return `${dashes}${key}${sign}${named(key, value, redactor)}`;
}

/** A value as the policy shows it under its name. If the name is not secret, the value is redacted as a word of its own. */
function named(key: string, value: string, redactor: Redactor): string {
  const shown = (redactor.value({ [key]: value }) as Record<string, unknown> | undefined)?.[key];
  if (shown === value) return argument(value, redactor);
  return typeof shown === 'string' ? shown : '[REDACTED]';
}

function quoted(word: string): string {
  return word === '' || /[\s"']/.test(word) ? JSON.stringify(word) : word;
}
