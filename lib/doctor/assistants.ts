import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findNodeAtLocation, getNodeValue, parseTree, type Node } from 'jsonc-parser';
import type { Variables } from '../environment/environment.js';
import {
  described,
  serversOfToml,
  type ConfiguredServer,
  type Member,
  type OtherServer,
  type Range,
} from './assistantServers.js';

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
  /** Servers that it reaches over HTTP, and those whose form is not known. */
  readonly others: readonly OtherServer[];
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
    return {
      ...file,
      text,
      ...(format === 'toml' ? sorted(serversOfToml(text)) : serversOfJson(text, keys)),
    };
  } catch (error) {
    return {
      ...file,
      problem: error instanceof Error ? error.message.replace(/\n[^]*/, '') : 'cannot be read',
    };
  }
}

type Found = Pick<AssistantFile, 'servers' | 'others'>;

function sorted(found: readonly (ConfiguredServer | OtherServer)[]): Found {
  return {
    servers: found.filter((each) => 'words' in each),
    others: found.filter((each) => !('words' in each)),
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
      .map(({ name, value }) => ({ ...serverOfJson({ name, value }), members: detailsOf(value) })),
  );
}

function at(node: Node, [key, ...rest]: readonly string[]): Node[] {
  if (key === undefined) return [node];
  if (key === '*') return membersOf(node).flatMap(({ value }) => at(value, rest));
  const found = findNodeAtLocation(node, [key]);
  return found === undefined ? [] : at(found, rest);
}

function detailsOf(node: Node): Member[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) => {
    if (key === undefined || value === undefined) return [];
    const isOfTexts =
      value.type === 'object' &&
      value.children?.every(({ children }) => children?.[1]?.type === 'string') !== false;
    const member = { key: String(key.value), keyAt: rangeOf(key), valueAt: rangeOf(value) };
    return {
      ...member,
      value: getNodeValue(value) as unknown,
      ...(isOfTexts && { members: detailsOf(value) }),
    };
  });
}

const rangeOf = ({ offset, length }: Node): Range => ({ offset, length });

function membersOf(node: Node): { name: string; value: Node }[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined ? [] : [{ name: String(key.value), value }],
  );
}

/** A server by its node; its name alone where it is not one that is started. */
function serverOfJson({ name, value }: { name: string; value: Node }): ConfiguredServer | OtherServer {
  const command = findNodeAtLocation(value, ['command']);
  // Zed's older form: an object of path and arguments.
  if (command?.type === 'object') return ofPair(name, command, 'path');
  if (command?.type !== 'array') return ofPair(name, value, 'command');
  const list = listOf(command);
  return list === undefined ? { name } : described({ name, words: wordsOf(command), list });
}

function ofPair(name: string, holder: Node, key: string): ConfiguredServer | OtherServer {
  const program = findNodeAtLocation(holder, [key]);
  const args = findNodeAtLocation(holder, ['args']);
  const list = listOf(args);
  if (program?.type !== 'string' || (args !== undefined && list === undefined)) return { name };
  const words = [String(program.value), ...(args === undefined ? [] : wordsOf(args))];
  return described({ name, words, program, ...(list !== undefined && { list }) });
}

function listOf(node: Node | undefined): ConfiguredServer['list'] {
  const elements = node?.type === 'array' ? (node.children ?? []) : undefined;
  if (node === undefined || elements?.some(({ type }) => type !== 'string') !== false) return undefined;
  return { inside: node.offset + 1, elements };
}

const wordsOf = ({ children = [] }: Node): string[] => children.map(({ value }) => String(value));
