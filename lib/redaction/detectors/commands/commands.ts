import { Automaton, type Place } from '../../text/automaton.js';
import { isMarker } from '../../text/replacement.js';
import { isReference } from '../assignments/references.js';
import { type Hider, Rewriter } from '../detector.js';
import { secretsOf, TOOL_NAMES, toolName } from './tools.js';

/** A password that is echoed into a tool which reads it: `echo x | sudo -S`, `echo user:x | chpasswd`. */
const PIPED =
  /\becho\s{1,4}(?:-n\s{1,4})?(["']?)([^\s"'|]{1,256})\1\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}-S|(?:sudo\s{1,4})?chpasswd|docker login|gh (?:secret set|auth login)|passwd|cryptsetup|podman login)/g;
/** A line of a mail or news protocol that logs in: IMAP (RFC 9051) sends the name and the password as two words. */
const IMAP_LOGIN = /(?<=(?:^|\n)\S{1,8} LOGIN \S{1,128} )"?[^\s"]{1,256}/g;
/** A line of `.pgpass`: host, port, database, user, password. */
const PGPASS =
  /(?<=(?:^|\n)[\w.*-]{1,128}:(?:\d{2,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:)[^\s:]{1,256}(?=\r?\n|$)/g;

/** What a text must hold for a command to stand in it. */
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

/** Hides what the tools of the command line take as a secret, wherever a command stands in a text. */
export function redactCommands(text: string, hider: Hider): string {
  const rewriter = new Rewriter(text, hider);
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
    // What has been read as one command's words is not read again as another's.
    const last = words.at(-1);
    if (last !== undefined && last.end - hit.at > LONG_COMMAND) place = { at: last.end, state: 0 };
  }
  return hidePiped(rewriter.toString(), hider);
}

/** A command this long holds no other that is worth a look, which bounds the work of many tools' names in a row. */
const LONG_COMMAND = 512;

/** The words of a command that is an array, with the secrets in them replaced; undefined where there are none. */
export function redactArguments(
  tool: string,
  words: readonly string[],
  hide: Hider['hide'],
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

/** A tool's name stands where a command begins, or behind the folder it stands in; `zip` in a sentence does no harm. */
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

function hidePiped(text: string, { hide }: Hider): string {
  const hidden = (secret: string): string => (mayBeSecret(secret) ? hide(secret) : secret);
  return text
    .replace(PIPED, (all, _quote: string, secret: string) => all.replace(secret, () => hidden(secret)))
    .replace(IMAP_LOGIN, (secret) => hidden(secret))
    .replace(PGPASS, (secret) => hidden(secret));
}

/** A word of a command line: what it says, and where that stands in the text, without quotes. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words of one command that are looked at, and characters of one. */
const MAX_WORDS = 128;
const LONGEST_COMMAND = 8_192;
/** A word of a shell: quoted, or bare with what a backslash protects. What ends the command is no part of it. */
const WORD =
  /'([^'\n]{0,4096})'|\\?"((?:[^"\\\n]|\\[^"\n]){0,4096})\\?"|((?:[^\s'"`|;&<>()\\]|\\[^\s"]|(?<=[^\s])["'])+)/y;
/** Blanks between words, and the end of a line that goes on with the next. */
const GAP = /(?:[ \t]|\\\r?\n|`\r?\n|\^\r?\n){1,256}/y;

/** The words of a command from `at` to its end: a line end, a pipe, a semicolon, or the quote that it stands in. */
function commandWords(text: string, at: number): Word[] {
  const words: Word[] = [];
  const ceiling = at + LONGEST_COMMAND;
  for (let place = at; words.length < MAX_WORDS && place < ceiling;) {
    WORD.lastIndex = place;
    const found = WORD.exec(text);
    if (found === null) break;
    const [all, single, double, bare] = found;
    const word = single ?? double ?? bare ?? '';
    const start = place + (bare === undefined ? all.indexOf(word, /^\\/.test(all) ? 2 : 1) : 0);
    words.push({ text: word, start, end: start + word.length });
    GAP.lastIndex = place + all.length;
    if (!GAP.test(text)) {
      // `--user='a b'` and `-p"x"` are one word each, written in two ways.
      const next = text[place + all.length];
      if (bare !== undefined && (next === "'" || next === '"') && /[=a-zA-Z]$/.test(bare)) {
        place += all.length;
        continue;
      }
      break;
    }
    place = GAP.lastIndex;
  }
  return words;
}
