import { RefusedError } from '../errors.js';
import { shared } from '../internal/shared.js';
import { definitionOf, differingFields, UNREADABLE, type Definition } from './fingerprint.js';
import { ToolMemory, type Contest, type KnownTool, type ServerIdentity } from './memory.js';
import { openToolState, saveToolState } from './stateFile.js';

/** What a {@link ToolWatch} is made with. */
export interface ToolWatchOptions {
  /** The log that remembers: whoever writes to the same one compares with the same definitions. */
  readonly log: object;
  readonly onToolChanged?: ToolChangedHook | undefined;
  /** The file that remembers definitions across restarts. */
  readonly toolState?: string | undefined;
  /** Told of what goes wrong: a hook that throws, a file that cannot be written. */
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
  /** What each connection was shown itself; kept as long as the connection is. */
  readonly #shown = new WeakMap<object, Map<string, string>>();
  #toldOfLimit = false;

  /**
   * @throws ConfigError when the state file cannot be used.
   */
  constructor(options: ToolWatchOptions) {
    this.#options = options;
    this.#memory = options.toolState === undefined ? memoryOf(options.log) : openToolState(options.toolState);
  }

  /** Takes a list of tools, whole or a page of it, and gives the changes in it that were not seen before. */
  listed(connection: object, server: ServerIdentity, tools: readonly unknown[]): ToolChange[] {
    const shown = this.#shown.get(connection) ?? new Map<string, string>();
    this.#shown.set(connection, shown);
    const changes: ToolChange[] = [];
    let isNews = false;
    for (const each of tools) {
      const tool = (each as { name?: unknown } | undefined | null)?.name;
      if (typeof each !== 'object' || each === null || typeof tool !== 'string') continue;
      const listed = { server, tool, definition: definitionOf(each) };
      shown.set(tool, listed.definition.fingerprint);
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

  /** The fingerprint that a call runs under: of what this connection was shown, else of what the log last saw. */
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
    // Without a hook nothing is ever refused, and then the server's identity need not be found out.
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
    // While an answer is outstanding, the question is not put again.
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

function isRefusal(answer: unknown): boolean {
  return answer === false || answer === 'refuse';
}

/** A tool whose definition is another than the log last saw from that server. */
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
 * Told of a changed tool before the listing that showed it is given to the caller. While it refuses, every call of that tool
 * is refused before the wire with `RefusedError`; a call made while a promised answer is outstanding waits for it. Asked
 * again whenever the refused definition is listed again, so that a later answer can lift the refusal. A hook that throws or
 * rejects refuses: who installed one wants no unexamined tool to run.
 */
export type ToolChangedHook = (change: ToolChange) => ToolChangeAnswer | Promise<ToolChangeAnswer>;
