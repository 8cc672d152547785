import { RefusedError, ConfigError } from '../errors.js';
import { shared } from '../internal/shared.js';
import {
  definitionOf,
  differingFields,
  UNREADABLE,
  ToolMemory,
  type Definition,
  type Contest,
  type KnownTool,
  type ServerIdentity,
} from './definitions.js';
import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What a {@link ToolWatch} is made with. */
export interface ToolWatchOptions {
  /** The log: all who write to one log compare with the same definitions. */
  readonly log: object;
  readonly onToolChanged?: ToolChangedHook | undefined;
  /** The file that remembers definitions across restarts. */
  readonly toolState?: string | undefined;
  /** Called where a hook throws or a file cannot be written. */
  readonly report: (message: string, cause?: unknown) => void;
}

/** A tool that a server listed. */
interface Listed {
  readonly server: ServerIdentity;
  readonly tool: string;
  readonly definition: Definition;
}

const memories = shared('tool-memories', () => new WeakMap<object, ToolMemory>());

function memoryOf(log: object): ToolMemory {
  const known = memories.get(log) ?? new ToolMemory();
  memories.set(log, known);
  return known;
}

/** Compares the tools that servers list with what one log has seen before, and says which calls are refused. */
export class ToolWatch {
  readonly #options: ToolWatchOptions;
  readonly #memory: ToolMemory;
  /** The fingerprints that each connection was shown, while the connection lives. */
  readonly #shown = new WeakMap<object, Map<string, string>>();
  #toldOfLimit = false;

  /**
   * @throws ConfigError when the state file cannot be used.
   */
  constructor(options: ToolWatchOptions) {
    this.#options = options;
    this.#memory = options.toolState === undefined ? memoryOf(options.log) : openToolState(options.toolState);
  }

  /**
   * Compares a list of tools, or a page of one, and returns the changes that are new.
   *
   * @param each Called with every tool of the list and its fingerprint.
   */
  listed(
    connection: object,
    server: ServerIdentity,
    tools: readonly unknown[],
    each?: (tool: object & { readonly name: string }, fingerprint: string) => void,
  ): ToolChange[] {
    const shown = this.#shown.get(connection) ?? new Map<string, string>();
    this.#shown.set(connection, shown);
    const changes: ToolChange[] = [];
    let isNews = false;
    for (const entry of tools) {
      if (!isNamed(entry)) continue;
      const { name: tool } = entry;
      const listed = { server, tool, definition: definitionOf(entry) };
      shown.set(tool, listed.definition.fingerprint);
      each?.(entry, listed.definition.fingerprint);
      const known = this.#memory.recall(server, tool);
      if (known === undefined) {
        this.#accept(listed);
        isNews = true;
      } else {
        const change = this.#compare(listed, known);
        if (change !== undefined) changes.push(change);
      }
    }
    if (isNews) this.#save();
    return changes;
  }

  /** The fingerprint of a called tool: as this connection was shown it, else as the log last saw it. */
  fingerprintOf(connection: object, server: () => ServerIdentity, tool: string): string | undefined {
    const shown = this.#shown.get(connection)?.get(tool);
    if (shown === undefined && this.#memory.isEmpty) return undefined;
    const fingerprint = shown ?? this.#memory.find(server(), tool)?.accepted.fingerprint;
    return fingerprint === UNREADABLE ? undefined : fingerprint;
  }

  /** Why a call of this tool must not be made; a promise while that is being decided, undefined where it may. */
  refusalOf(
    server: () => ServerIdentity,
    tool: string,
  ): RefusedError | Promise<RefusedError | undefined> | undefined {
    // Without a hook nothing is refused, and the server's identity is not needed.
    if (this.#options.onToolChanged === undefined) return undefined;
    const refused = this.#memory.find(server(), tool)?.contest?.refused ?? false;
    if (refused === false) return undefined;
    const refusal = () =>
      new RefusedError(
        'tool_changed',
        'the definition of the tool has changed, and onToolChanged refused it',
      );
    return refused === true ? refusal() : refused.then((isRefused) => (isRefused ? refusal() : undefined));
  }

  #compare(listed: Listed, known: KnownTool): ToolChange | undefined {
    const { fingerprint } = listed.definition;
    if (known.accepted.fingerprint === fingerprint) {
      known.contest = undefined;
      return undefined;
    }
    const isOldNews = known.contest?.definition.fingerprint === fingerprint;
    const change: ToolChange = {
      tool: listed.tool,
      serverName: listed.server.name,
      serverAddress: listed.server.address,
      oldFingerprint: known.accepted.fingerprint,
      newFingerprint: fingerprint,
      fields: differingFields(known.accepted, listed.definition),
    };
    // While an answer is outstanding, the hook is not called again.
    if (!isOldNews || typeof known.contest?.refused === 'boolean') this.#ask(change, listed, known);
    return isOldNews ? undefined : change;
  }

  #ask(change: ToolChange, listed: Listed, known: KnownTool): void {
    const contest: Contest = { definition: listed.definition, refused: true };
    known.contest = contest;
    const settle = (isRefused: boolean): boolean => {
      contest.refused = isRefused;
      if (!isRefused && known.contest === contest) {
        this.#accept(listed);
        this.#save();
      }
      return isRefused;
    };
    let answer: ToolChangeAnswer | Promise<ToolChangeAnswer>;
    try {
      answer = this.#options.onToolChanged?.(change);
    } catch (cause) {
      answer = this.#failed(cause);
    }
    if (answer instanceof Promise) {
      contest.refused = answer
        .catch((cause: unknown) => this.#failed(cause))
        .then((given) => settle(isRefusal(given)));
    } else settle(isRefusal(answer));
  }

  #failed(cause: unknown): 'refuse' {
    this.#options.report('onToolChanged failed, and so the tool is refused', cause);
    return 'refuse';
  }

  #accept({ server, tool, definition }: Listed): void {
    if (this.#memory.remember(server, tool, definition) !== undefined || this.#toldOfLimit) return;
    this.#toldOfLimit = true;
    this.#options.report('too many tools to remember; changes of further ones go unnoticed');
  }

  #save(): void {
    const { toolState } = this.#options;
    if (toolState === undefined) return;
    try {
      saveToolState(toolState, this.#memory);
    } catch (cause) {
      this.#options.report('the tool state could not be written', cause);
    }
  }
}

function isNamed(tool: unknown): tool is object & { readonly name: string } {
  return typeof tool === 'object' && tool !== null && typeof (tool as { name?: unknown }).name === 'string';
}

function isRefusal(answer: unknown): boolean {
  return answer === false || answer === 'refuse';
}

/** A tool whose definition differs from the one that the log last saw from that server. */
export interface ToolChange {
  /** The name of the tool. */
  readonly tool: string;
  /** Self-reported by the server. */
  readonly serverName?: string | undefined;
  /** The URL or command that was dialled, without secrets. */
  readonly serverAddress?: string | undefined;
  /** SHA-256 (hex) of the definition that was seen before, in canonical JSON. */
  readonly oldFingerprint: string;
  /** The same of the definition that was listed now. */
  readonly newFingerprint: string;
  /** The names of the definition's fields that differ, e.g. `['description']`. */
  readonly fields: readonly string[];
}

/** What a {@link ToolChangedHook} may answer: only `false` and `'refuse'` refuse. */
type ToolChangeAnswer = boolean | 'refuse' | undefined | void;

/**
 * Called with a changed tool before the caller gets the listing that showed it. While it refuses, every call of that tool rejects with
 * `RefusedError` and is not sent; a call that is made while a promised answer is outstanding waits for it. Called again whenever the
 * refused definition is listed again, so that a later answer can lift the refusal. A hook that throws or rejects refuses, so that no
 * unexamined tool runs.
 */
export type ToolChangedHook = (change: ToolChange) => ToolChangeAnswer | Promise<ToolChangeAnswer>;

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
const states = shared('tool-states', () => new Map<string, ToolMemory>());

/**
 * The memory that a file holds, empty where there is no file yet.
 *
 * @throws ConfigError when the path is no regular file, cannot be read, or holds something else. An empty memory instead would let
 *   every tool change unnoticed.
 */
function openToolState(path: string): ToolMemory {
  const file = resolve(path);
  let memory = states.get(file);
  if (memory === undefined) {
    memory = read(file);
    states.set(file, memory);
  }
  return memory;
}

/** Writes the memory to a new file and renames it, so that after a crash the old or the new file is there, and whole. */
function saveToolState(path: string, memory: ToolMemory): void {
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
