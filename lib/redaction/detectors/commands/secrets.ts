import { TOOLS } from './tools.js';
import type { Word } from './words.js';

/** A stretch of a text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

interface Command {
  readonly tool: string;
  readonly subcommand: readonly string[];
  readonly options: readonly string[];
}

const commands = TOOLS.flatMap(([tools, options]) =>
  tools.split(' ').map((words): Command => {
    const [tool = '', ...subcommand] = words.split('+');
    return { tool, subcommand, options: options.split(' ') };
  }),
);
const byTool = new Map<string, Command[]>();
for (const command of commands) {
  const key = command.tool.toLowerCase();
  byTool.set(key, [...(byTool.get(key) ?? []), command]);
}

/** The names of all tools, in lower case. */
export const TOOL_NAMES: readonly string[] = [...byTool.keys()];

/** Whether a word is the name of such a tool. */
export function isTool(word: string): boolean {
  return byTool.has(toolName(word));
}

/** The name of a tool without the folder that it stands in. */
export function toolName(word: string): string {
  return (/[^/\\]*$/.exec(word)?.[0] ?? '').replace(/\.(?:exe|cmd)$/i, '').toLowerCase();
}

/** Where the secrets of a command stand, by its tool and the words behind it. */
export function secretsOf(tool: string, words: readonly Word[]): Stretch[] {
  const found = new Map<number, Stretch>();
  for (const command of byTool.get(tool) ?? []) {
    const rest = behind(words, command.subcommand);
    if (rest === undefined || !command.options.every((option) => isGiven(option, rest))) continue;
    for (const option of command.options)
      for (const stretch of secretsOfOption(option, rest))
        if (stretch.end > stretch.start) found.set(stretch.start, stretch);
  }
  return [...found.values()].sort((one, other) => one.start - other.start);
}

/** The words behind a subcommand; undefined where the command is another. */
function behind(words: readonly Word[], subcommand: readonly string[]): readonly Word[] | undefined {
  let rest = words;
  for (const part of subcommand) {
    const at = rest.findIndex(({ text }) => text.toLowerCase() === part);
    if (at === -1 || rest.slice(0, at).filter((word) => !isOption(word)).length > 1) return undefined;
    rest = rest.slice(at + 1);
  }
  return rest;
}

function isOption({ text }: Word): boolean {
  return text.startsWith('-') || /^\/[A-Za-z]+(?::|$)/.test(text);
}

function isGiven(option: string, words: readonly Word[]): boolean {
  if (!option.startsWith('?')) return true;
  return words.some(({ text }) => new RegExp(`^-[a-zA-Z]*${option.slice(1)}`).test(text));
}

function secretsOfOption(option: string, words: readonly Word[]): Stretch[] {
  if (option.startsWith('?')) return [];
  const [, place, sign = ''] = /^#(-?\d)(\/?)$/.exec(option) ?? [];
  if (place !== undefined) return positional(Number(place), sign, words);
  const [, name = '', how = ''] = /^(.+?)([:%,;*]|=pass)?$/.exec(option) ?? [];
  return words.flatMap((word, index) => {
    const value = valueOf(name, how, word, words[index + 1]);
    return value === undefined ? [] : [secretPart(value, how)];
  });
}

function positional(place: number, sign: string, words: readonly Word[]): Stretch[] {
  const plain = words.filter((word) => !isOption(word));
  const word = plain.at(place > 0 ? place - 1 : place);
  if (word === undefined || /^(?:\\\\|\*$|.*:$)/.test(word.text)) return [];
  return [secretPart(word, sign)];
}

/** The word, or the part of one, that an option has as its value. */
function valueOf(name: string, how: string, word: Word, next: Word | undefined): Word | undefined {
  const { text, start, end } = word;
  if (text === name) {
    if (how === '*' || next === undefined) return undefined;
    return next.text.startsWith('-') && !name.startsWith('/') && next.text.length < 24 ? undefined : next;
  }
  if (!text.startsWith(name)) return undefined;
  const rest = text.slice(name.length);
  const short = /^-[A-Za-z]$/.test(name) || how === '*';
  const signed = /^[=:]/.test(rest);
  if (!signed && !short) return undefined;
  const skipped = name.length + (signed ? 1 : 0);
  if (text.length === skipped) return next?.start === end + 1 ? next : undefined;
  return { text: text.slice(skipped), start: start + skipped, end };
}

/** Of `name:secret` what stands behind the sign; a value without it is all name, or no cookie. */
function secretPart({ text, start, end }: Word, how: string): Stretch {
  if (how === ';') return text.includes('=') ? { start, end } : { start: end, end };
  if (how === '=pass') return text.startsWith('pass:') ? { start: start + 5, end } : { start: end, end };
  if (how === '' || how === '*') return { start, end };
  const at = text.indexOf(how);
  if (at === -1) return { start: end, end };
  const host = how === '/' ? text.lastIndexOf('@') : -1;
  return { start: start + at + 1, end: host > at ? start + host : end };
}
