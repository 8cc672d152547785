import { Automaton, type Place } from '../../text/automaton.js';
import { isMarker } from '../../text/replacement.js';
import { isReference } from '../assignments/references.js';
import { type DetectorContext, Rewriter } from '../detector.js';
import { commandWords, secretsOf, TOOL_NAMES, toolName, type Word } from './tools.js';

// These three begin with literals that are rare and look behind from there. Tried at every character they would cost the most here.

/** A password that `echo` pipes into a tool: `echo x | sudo -S`, `echo user:x | chpasswd`. */
const PIPED =
  /echo(?<=\becho)\s{1,4}(?:-n\s{1,4})?(["']?)([^\s"'|]{1,256})\1\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}-S|(?:sudo\s{1,4})?chpasswd|docker login|gh (?:secret set|auth login)|passwd|cryptsetup|podman login)/g;
/** IMAP's login (RFC 9051): the name and the password are two words. */
const IMAP_LOGIN = / LOGIN (?<=(?:^|\n)\S{1,8} LOGIN )\S{1,128} ("?[^\s"]{1,256})/g;
/** A line of `.pgpass`: host, port, database, user, password. */
const PGPASS =
  /:(?:\d{2,5}|\*):(?<=(?:^|\n)[\w.*-]{1,128}:(?:\d{2,5}|\*):)[^:\s]{1,64}:[^:\s]{1,64}:([^\s:]{1,256})(?=\r?\n|$)/g;

/** What a text contains, in either case, if it has a command with a secret. */
export const COMMAND_LITERALS: readonly string[] = [
  ...TOOL_NAMES.map((name) => `${name} `),
  ...TOOL_NAMES.map((name) => `${name}.exe `),
  'echo ',
  ' login ',
  ':5432:',
  ':*:',
];

const endings = TOOL_NAMES.flatMap((name) => [`${name} `, `${name}.exe `]);
let tools: Automaton | undefined;

/** Hides the secrets that command-line tools are given, wherever a command occurs in a text. */
export function redactCommands(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  tools ??= new Automaton(endings);
  let place: Place = { at: 0, state: 0 };
  for (let hit = tools.find(text, place); hit !== undefined; hit = tools.find(text, place)) {
    place = hit;
    const ending = endings[hit.literals[0] ?? 0] ?? '';
    const start = hit.at - ending.length;
    if (start < rewriter.done || !beginsCommand(text, start)) continue;
    const words = commandWords(text, hit.at);
    for (const { start, end } of secretsOf(toolName(ending.trim()), words))
      hideWord(text, start, end, rewriter);
    // The words of a long command are not read again as another command.
    const last = words.at(-1);
    if (last !== undefined && last.end - hit.at > LONG_COMMAND) place = { at: last.end, state: 0 };
  }
  return hidePiped(rewriter.toString(), context);
}

/** A longer command is not searched for others within it, which bounds the work on many names of tools in a row. */
const LONG_COMMAND = 512;

/** The arguments of a tool with the secrets in them replaced, or undefined if there are none. */
export function redactArguments(
  tool: string,
  words: readonly string[],
  hide: DetectorContext['hide'],
): string[] | undefined {
  let at = 0;
  const placed = words.map((text): Word => {
    const start = at;
    at += text.length + 1;
    return { text, start, end: start + text.length };
  });
  const secrets = secretsOf(toolName(tool), placed);
  if (secrets.length === 0) return undefined;
  return placed.map(({ text, start, end }) => {
    const secret = secrets.find((stretch) => stretch.start >= start && stretch.end <= end);
    if (secret === undefined || !mayBeSecret(text.slice(secret.start - start, secret.end - start)))
      return text;
    return `${text.slice(0, secret.start - start)}${hide(text.slice(secret.start - start, secret.end - start))}${text.slice(secret.end - start)}`;
  });
}

/** Whether a tool's name can begin here: a command, or the last part of a path. Within a word it is not a tool. */
function beginsCommand(text: string, start: number): boolean {
  return start === 0 || /[\s/\\"'`|;&($!]/.test(text[start - 1] ?? '');
}

function hideWord(text: string, start: number, end: number, rewriter: Rewriter): void {
  if (start >= rewriter.done && mayBeSecret(text.slice(start, end))) rewriter.hide(start, end);
}

function mayBeSecret(word: string): boolean {
  return (
    word !== '' && !isMarker(word) && !isReference(word, { quoted: true, name: '', code: false, after: '' })
  );
}

function hidePiped(text: string, { hide }: DetectorContext): string {
  const hidden = (secret: string): string => (mayBeSecret(secret) ? hide(secret) : secret);
  return text
    .replace(PIPED, (all, _quote: string, secret: string) => all.replace(secret, () => hidden(secret)))
    .replace(IMAP_LOGIN, (all, secret: string) => all.slice(0, -secret.length) + hidden(secret))
    .replace(PGPASS, (all, secret: string) => all.slice(0, -secret.length) + hidden(secret));
}
