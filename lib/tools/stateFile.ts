import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { shared } from '../internal/shared.js';
import type { Definition } from './fingerprint.js';
import { ToolMemory } from './memory.js';

/** The version of the file's layout. */
const VERSION = 1;
/** Only the owner may read the file, because it has the names of tools and servers. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

interface State {
  readonly version: typeof VERSION;
  readonly servers: readonly {
    readonly address?: string;
    readonly name?: string;
    readonly tools: Readonly<Record<string, Definition>>;
  }[];
}

/** One memory for all logs of a process that keep it in the same file. */
const memories = shared('tool-states', () => new Map<string, ToolMemory>());

/**
 * The memory that a file holds, empty where there is no file yet.
 *
 * @throws ConfigError when the path is no regular file, cannot be read, or holds something else. An empty memory instead would let
 *   every tool change unnoticed.
 */
export function openToolState(path: string): ToolMemory {
  const file = resolve(path);
  let memory = memories.get(file);
  if (memory === undefined) {
    memory = read(file);
    memories.set(file, memory);
  }
  return memory;
}

/** Writes the memory to a new file and renames it, so that after a crash the old or the new file is there, and whole. */
export function saveToolState(path: string, memory: ToolMemory): void {
  const file = resolve(path);
  const state: State = {
    version: VERSION,
    servers: memory.servers().map(({ address, name, tools }) => ({
      ...(address !== undefined && { address }),
      ...(name !== undefined && { name }),
      tools: Object.fromEntries(tools),
    })),
  };
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE });
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, `${JSON.stringify(state)}\n`, { mode: FILE_MODE, flag: 'wx', flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function read(file: string): ToolMemory {
  const memory = new ToolMemory();
  const text = readText(file);
  if (text === undefined) return memory;
  for (const { address, name, tools } of parse(text).servers) {
    for (const [tool, { fingerprint, fields }] of Object.entries(tools)) {
      memory.remember({ address, name }, tool, { fingerprint, fields: copyFields(fields) });
    }
  }
  return memory;
}

function readText(file: string): string | undefined {
  try {
    if (!lstatSync(file).isFile()) throw new ConfigError('toolState', 'not a regular file');
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new ConfigError('toolState', `cannot be read (${code ?? 'unknown error'})`);
  }
}

function parse(text: string): State {
  try {
    const state: unknown = JSON.parse(text);
    if (isState(state)) return state;
  } catch {
    // The error below does not quote the text.
  }
  throw new ConfigError('toolState', 'no tool state of this version; move it away to start afresh');
}

function isState(value: unknown): value is State {
  const { version, servers } = (value ?? {}) as Partial<State>;
  return (
    version === VERSION &&
    Array.isArray(servers) &&
    servers.every(
      ({ address, name, tools }: Record<string, unknown>) =>
        isOptionalText(address) &&
        isOptionalText(name) &&
        isObject(tools) &&
        Object.values(tools).every(isDefinition),
    )
  );
}

function isDefinition(value: unknown): value is Definition {
  const { fingerprint, fields } = (value ?? {}) as Partial<Definition>;
  return (
    typeof fingerprint === 'string' &&
    isObject(fields) &&
    Object.values(fields).every((digest) => typeof digest === 'string')
  );
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function copyFields(fields: Definition['fields']): Definition['fields'] {
  return Object.assign(Object.create(null) as Record<string, string>, fields);
}
