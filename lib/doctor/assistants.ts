import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findNodeAtLocation, parseTree, type Node } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import type { Variables } from '../environment/environment.js';

/** A part of a text. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A server that an assistant starts, and where its command stands in the text of the file. */
export interface ConfiguredServer {
  readonly name: string;
  /** Its command and all arguments. */
  readonly words: readonly string[];
  /** The command; absent where it is the first of the list. */
  readonly program?: Range;
  /** The arguments; absent where there are none. */
  readonly list?: { readonly inside: number; readonly elements: readonly Range[] };
  /** Whether its command is a relay of ours. */
  readonly isRelayed: boolean;
}

/** A configuration file of an assistant or an editor. */
export interface AssistantFile {
  readonly assistant: string;
  readonly path: string;
  readonly text: string;
  readonly format: 'json' | 'toml';
  /** Where the servers are; `*` stands for every name. */
  readonly keys: readonly (readonly string[])[];
  /** The servers that it starts. */
  readonly servers: readonly ConfiguredServer[];
  /** The names of servers that it reaches over HTTP, and of those whose form is not known. */
  readonly others: readonly string[];
  /** Why it cannot be read, if it cannot. */
  readonly problem?: string;
}

interface Assistant {
  readonly name: string;
  /** Its files: `~` is the user's folder, `@` the folder for applications' configuration, and others are in the project. */
  readonly files: readonly string[];
  /** Where the servers are; `*` stands for every name. Default: `mcpServers`. */
  readonly keys?: readonly (readonly string[])[];
}

/** Each as its vendor documents it. */
const ASSISTANTS: readonly Assistant[] = [
  { name: 'Claude Desktop', files: ['@/Claude/claude_desktop_config.json'] },
  {
    name: 'Claude Code',
    files: ['~/.claude.json', '.mcp.json'],
    keys: [['mcpServers'], ['projects', '*', 'mcpServers']],
  },
  { name: 'Cursor', files: ['~/.cursor/mcp.json', '.cursor/mcp.json'] },
  { name: 'VS Code', files: ['@/Code/User/mcp.json', '.vscode/mcp.json'], keys: [['servers']] },
  { name: 'Windsurf', files: ['~/.codeium/windsurf/mcp_config.json'] },
  {
    name: 'Zed',
    files: ['~/.config/zed/settings.json', '.zed/settings.json'],
    keys: [['context_servers']],
  },
  { name: 'Codex', files: ['~/.codex/config.toml', '.codex/config.toml'] },
  { name: 'Gemini CLI', files: ['~/.gemini/settings.json', '.gemini/settings.json'] },
  { name: 'Qwen Code', files: ['~/.qwen/settings.json', '.qwen/settings.json'] },
  {
    name: 'Cline',
    files: ['@/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json'],
  },
  { name: 'Roo Code', files: ['.roo/mcp.json'] },
  { name: 'Kiro', files: ['~/.kiro/settings/mcp.json', '.kiro/settings/mcp.json'] },
  { name: 'Amazon Q', files: ['~/.aws/amazonq/mcp.json', '.amazonq/mcp.json'] },
  { name: 'LM Studio', files: ['~/.lmstudio/mcp.json'] },
  { name: 'Copilot CLI', files: ['~/.copilot/mcp-config.json'] },
  {
    name: 'opencode',
    files: ['~/.config/opencode/opencode.json', 'opencode.json', 'opencode.jsonc'],
    keys: [['mcp']],
  },
];

/** Where the files of this user are, and of this project. */
export interface Places {
  readonly project: string;
  readonly env: Variables;
}

/** Finds the configuration files of assistants and editors, and reads the servers in them. */
export function findAssistants({ project, env }: Places): AssistantFile[] {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  const config =
    process.platform === 'darwin'
      ? join(home, 'Library', 'Application Support')
      : process.platform === 'win32'
        ? (env['APPDATA'] ?? join(home, 'AppData', 'Roaming'))
        : env['XDG_CONFIG_HOME'] || join(home, '.config');
  const bases: Readonly<Record<string, string>> = { '~/': home, '@/': config };
  return ASSISTANTS.flatMap(({ name, files, keys = [['mcpServers']] }) =>
    [...new Set(files.map((file) => join(bases[file.slice(0, 2)] ?? project, file.replace(/^[~@]\//, ''))))]
      .filter((path) => existsSync(path))
      .map((path) => readAssistant(name, path, keys)),
  );
}

/** What another text of a file would say. */
export function reread({ assistant, path, keys }: AssistantFile, text: string): AssistantFile {
  return readAssistant(assistant, path, keys, () => text);
}

function readAssistant(
  assistant: string,
  path: string,
  keys: AssistantFile['keys'],
  read = (): string => readFileSync(path, 'utf8'),
): AssistantFile {
  const format = path.endsWith('.toml') ? 'toml' : 'json';
  const file = { assistant, path, keys, format, text: '', servers: [], others: [] } as const;
  try {
    const text = read();
    return { ...file, text, ...(format === 'toml' ? serversOfToml(text) : serversOfJson(text, keys)) };
  } catch (error) {
    return {
      ...file,
      problem: error instanceof Error ? error.message.replace(/\n[^]*/, '') : 'cannot be read',
    };
  }
}

type Found = Pick<AssistantFile, 'servers' | 'others'>;

function sorted(found: readonly (ConfiguredServer | string)[]): Found {
  return {
    servers: found.filter((each) => typeof each !== 'string'),
    others: found.filter((each) => typeof each === 'string'),
  };
}

function serversOfJson(text: string, keys: readonly (readonly string[])[]): Found {
  const problems: unknown[] = [];
  const root = parseTree(text, problems as never, { allowTrailingComma: true });
  if (text.trim() === '') return { servers: [], others: [] };
  if (root === undefined || problems.length > 0) throw new Error('is not JSON, with or without comments');
  return sorted(
    keys
      .flatMap((key) => at(root, key))
      .flatMap(membersOf)
      .map(serverOfJson),
  );
}

function at(node: Node, [key, ...rest]: readonly string[]): Node[] {
  if (key === undefined) return [node];
  if (key === '*') return membersOf(node).flatMap(({ value }) => at(value, rest));
  const found = findNodeAtLocation(node, [key]);
  return found === undefined ? [] : at(found, rest);
}

function membersOf(node: Node): { name: string; value: Node }[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined ? [] : [{ name: String(key.value), value }],
  );
}

/** A server by its node; its name alone where it is not one that is started. */
function serverOfJson({ name, value }: { name: string; value: Node }): ConfiguredServer | string {
  const command = findNodeAtLocation(value, ['command']);
  // Zed's older form: an object of path and arguments.
  if (command?.type === 'object') return ofPair(name, command, 'path');
  if (command?.type !== 'array') return ofPair(name, value, 'command');
  const list = listOf(command);
  return list === undefined ? name : described({ name, words: wordsOf(command), list });
}

function ofPair(name: string, holder: Node, key: string): ConfiguredServer | string {
  const program = findNodeAtLocation(holder, [key]);
  const args = findNodeAtLocation(holder, ['args']);
  const list = listOf(args);
  if (program?.type !== 'string' || (args !== undefined && list === undefined)) return name;
  const words = [String(program.value), ...(args === undefined ? [] : wordsOf(args))];
  return described({ name, words, program, ...(list !== undefined && { list }) });
}

function listOf(node: Node | undefined): ConfiguredServer['list'] {
  const elements = node?.type === 'array' ? (node.children ?? []) : undefined;
  if (node === undefined || elements?.some(({ type }) => type !== 'string') !== false) return undefined;
  return { inside: node.offset + 1, elements };
}

const wordsOf = ({ children = [] }: Node): string[] => children.map(({ value }) => String(value));

function described(server: Omit<ConfiguredServer, 'isRelayed'>): ConfiguredServer {
  const own = server.words.findIndex((word) => /(?:^|[\\/])otel-mcp-log(?:@[\w.^~-]+)?$/.test(word));
  return { ...server, isRelayed: own >= 0 && server.words[own + 1] === 'relay' };
}

const SECTION = /^\[mcp_servers\.(?:([\w-]+)|"([^"\\]+)")\][ \t]*(?:#.*)?$/gm;
const STRING = String.raw`"(?:[^"\\\n]|\\.)*"|'[^'\n]*'`;

/** Codex's tables. What a library has read is compared with what is found in the text; another way of writing is left alone. */
function serversOfToml(text: string): Found {
  const { mcp_servers: tables } = parseToml(text) as { mcp_servers?: Record<string, unknown> };
  const sections = new Map<string, Range>();
  for (const match of text.matchAll(SECTION)) {
    const offset = match.index + match[0].length;
    const next = text.slice(offset).search(/^[ \t]*\[/m);
    sections.set(match[1] ?? match[2] ?? '', { offset, length: next < 0 ? text.length - offset : next });
  }
  const found = Object.entries(tables ?? {}).map(([name, table]): ConfiguredServer | string => {
    const section = sections.get(name);
    const { command, args = [] } = table as { command?: unknown; args?: unknown };
    if (section === undefined || typeof command !== 'string' || !Array.isArray(args)) return name;
    const server = serverOfSection(name, text, section);
    const words = JSON.stringify([command, ...(args as unknown[])]);
    return server !== undefined && JSON.stringify(server.words) === words ? server : name;
  });
  return sorted(found);
}

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
  try {
    return String((parseToml(`value = ${literal}`) as { value: unknown }).value);
  } catch {
    return literal;
  }
}
