import { parse as parseToml } from 'smol-toml';

/** A part of a text. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A change of a text. */
export interface Edit extends Range {
  readonly text: string;
}

/** A member of an object or a table, and where it stands in the text of the file. */
export interface Member {
  readonly key: string;
  readonly keyAt: Range;
  readonly value: unknown;
  readonly valueAt: Range;
  /** The texts in it, where it is an object of nothing but texts. */
  readonly members?: readonly Member[];
}

/** A server that an assistant reaches over HTTP, or whose form is not known. */
export interface OtherServer {
  readonly name: string;
  /** What it has; absent where that is written in a way that is not known. */
  readonly members?: readonly Member[];
}

/** A server that an assistant starts, and where its command stands in the text of the file. */
export interface ConfiguredServer {
  readonly name: string;
  /** What it has; absent where that is written in a way that is not known. */
  readonly members?: readonly Member[];
  /** Its command and all arguments. */
  readonly words: readonly string[];
  /** The command; absent where it is the first of the list. */
  readonly program?: Range;
  /** The arguments; absent where there are none. */
  readonly list?: { readonly inside: number; readonly elements: readonly Range[] };
  /** Whether its command is a relay of ours. */
  readonly isRelayed: boolean;
}

/** A server with whether a relay of ours starts it. */
export function described(server: Omit<ConfiguredServer, 'isRelayed'>): ConfiguredServer {
  const own = server.words.findIndex((word) => /(?:^|[\\/])otel-mcp-log(?:@[\w.^~-]+)?$/.test(word));
  return { ...server, isRelayed: own >= 0 && server.words[own + 1] === 'relay' };
}

const SECTION = /^[ \t]*\[mcp_servers\.(?:([\w-]+)|"([^"\\]+)")\][ \t]*(?:#.*)?$/gm;
const STRING = String.raw`"(?:[^"\\\n]|\\.)*"|'[^'\n]*'`;

/** Codex's tables. What a library has read is compared with what is found in the text; another way of writing is left alone. */
export function serversOfToml(text: string): (ConfiguredServer | OtherServer)[] {
  const { mcp_servers: tables } = parseToml(text) as { mcp_servers?: Record<string, unknown> };
  const sections = new Map<string, Range>();
  for (const match of text.matchAll(SECTION)) {
    const offset = match.index + match[0].length;
    const next = text.slice(offset).search(/^[ \t]*\[/m);
    sections.set(match[1] ?? match[2] ?? '', { offset, length: next < 0 ? text.length - offset : next });
  }
  return Object.entries(tables ?? {}).map(([name, table]): ConfiguredServer | OtherServer => {
    const section = sections.get(name);
    const members = section && detailsOfSection(text, section, table as Record<string, unknown>);
    const other = { name, ...(members !== undefined && { members }) };
    const { command, args = [] } = table as { command?: unknown; args?: unknown };
    if (section === undefined || typeof command !== 'string' || !Array.isArray(args)) return other;
    const server = serverOfSection(name, text, section);
    const words = JSON.stringify([command, ...(args as unknown[])]);
    return server !== undefined && JSON.stringify(server.words) === words ? { ...server, ...other } : other;
  });
}

/** The members of a table that are each on a line of their own. Undefined where a library reads others, or reads them otherwise. */
function detailsOfSection(
  text: string,
  { offset, length }: Range,
  table: Readonly<Record<string, unknown>>,
): Member[] | undefined {
  const line = new RegExp(
    String.raw`^[ \t]*([\w-]+)([ \t]*=[ \t]*)(${STRING}|\[(?:${STRING}|#.*|[^\]"'#])*\]|\{(?:${STRING}|[^\n}"'#])*\}|[^\s#]+)`,
    'gm',
  );
  const found = [...text.slice(offset, offset + length).matchAll(line)].map((match): Member => {
    const [all, key = '', between = '', literal = ''] = match;
    const after = offset + match.index + all.length;
    const valueAt = { offset: after - literal.length, length: literal.length };
    const keyAt = { offset: valueAt.offset - between.length - key.length, length: key.length };
    const members = literal.startsWith('{') ? textsOf(text, valueAt) : undefined;
    return { key, keyAt, valueAt, value: table[key], ...(members !== undefined && { members }) };
  });
  const isRead = found.every(
    ({ valueAt, value, members }) =>
      same(read(text.slice(valueAt.offset, valueAt.offset + valueAt.length)), value) &&
      (members === undefined ||
        same(Object.fromEntries(members.map(({ key, value: own }) => [key, own])), value)),
  );
  // A table of its own may stand elsewhere.
  const isAll = Object.keys(table).every((key) => found.some((each) => each.key === key));
  return isRead && isAll ? found : undefined;
}

/** The members of an inline table, up to whatever is no text under a plain name. */
function textsOf(text: string, { offset, length }: Range): Member[] {
  const form = new RegExp(String.raw`[\s,]*(?:([\w-]+)|"([\w-]+)")([ \t]*=[ \t]*)(${STRING})`, 'y');
  const found: Member[] = [];
  form.lastIndex = offset + 1;
  for (
    let match = form.exec(text);
    match !== null && form.lastIndex < offset + length;
    match = form.exec(text)
  ) {
    const [, bare, quoted = '', between = '', literal = ''] = match;
    const valueAt = { offset: form.lastIndex - literal.length, length: literal.length };
    const long = bare === undefined ? quoted.length + 2 : bare.length;
    const keyAt = { offset: valueAt.offset - between.length - long, length: long };
    found.push({ key: bare ?? quoted, keyAt, valueAt, value: unquoted(literal) });
  }
  return found;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function serverOfSection(
  name: string,
  text: string,
  { offset, length }: Range,
): ConfiguredServer | undefined {
  const part = text.slice(offset, offset + length);
  const command = new RegExp(String.raw`^([ \t]*command[ \t]*=[ \t]*)(${STRING})`, 'm').exec(part);
  if (command === null) return undefined;
  const [, before = '', literal = ''] = command;
  const program = { offset: offset + command.index + before.length, length: literal.length };
  const list = /^[ \t]*args[ \t]*=[ \t]*\[/m.exec(part);
  if (list === null) return described({ name, words: [unquoted(literal)], program });
  const inside = offset + list.index + list[0].length;
  const elements = stringsFrom(text, inside);
  const words = [literal, ...elements.map((each) => text.slice(each.offset, each.offset + each.length))];
  return described({ name, words: words.map(unquoted), program, list: { inside, elements } });
}

/** The strings of an array, up to whatever is no string, no comma, no space and no comment. */
function stringsFrom(text: string, inside: number): Range[] {
  const form = new RegExp(String.raw`(?:[\s,]|#.*\n)*(${STRING})`, 'y');
  const found: Range[] = [];
  form.lastIndex = inside;
  for (let match = form.exec(text); match !== null; match = form.exec(text)) {
    const { length } = match[1] ?? '';
    found.push({ offset: form.lastIndex - length, length });
  }
  return found;
}

function unquoted(literal: string): string {
  return String(read(literal) ?? literal);
}

/** The value of a literal of TOML; undefined for what is none. */
function read(literal: string): unknown {
  try {
    return (parseToml(`value = ${literal}`) as { value: unknown }).value;
  } catch {
    return undefined;
  }
}
