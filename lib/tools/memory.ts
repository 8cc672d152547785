import type { Definition } from './definitions.js';

/** Which server listed a tool. */
export interface ServerIdentity {
  /** The URL or command that was dialled, without secrets; absent for transports without an address. */
  readonly address?: string | undefined;
  /** Self-reported. */
  readonly name?: string | undefined;
}

/** A definition that differs from the accepted one, and the answer to it. */
export interface Contest {
  readonly definition: Definition;
  /** Whether calls are refused; a promise while the answer is outstanding. */
  refused: boolean | Promise<boolean>;
}

/** What is known of one tool. */
export interface KnownTool {
  accepted: Definition;
  contest?: Contest | undefined;
}

/** All that is known of one server, as it is written to the state file. */
export interface ServerTools extends ServerIdentity {
  readonly tools: ReadonlyMap<string, Definition>;
}

/** Bounds, because names come from servers. A usual server has up to a hundred tools, and a usual host up to a hundred servers. */
const MAX_SERVERS = 1_000;
const MAX_TOOLS = 10_000;

interface Server extends ServerIdentity {
  readonly tools: Map<string, KnownTool>;
}

/**
 * The tool definitions that a log has seen, by server. A tool is never forgotten: a list may be one page of several, and a tool that
 * was missing for a while is compared when it is back.
 */
export class ToolMemory {
  readonly #servers = new Map<string, Server>();

  /** Whether nothing is known yet. */
  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** What is known of a tool; nothing where the server never listed it. */
  find(identity: ServerIdentity, tool: string): KnownTool | undefined {
    return this.#servers.get(keyOf(identity))?.tools.get(tool);
  }

  /**
   * The same for a tool that is being listed. A server may report any name. Where its address has shown the tool under another server
   * name, that definition counts, so that a new name does not avoid the comparison.
   */
  recall(identity: ServerIdentity, tool: string): KnownTool | undefined {
    const known = this.find(identity, tool);
    if (known !== undefined || identity.address === undefined) return known;
    const elsewhere = [...this.#servers.values()]
      .reverse()
      .find(({ address, tools }) => address === identity.address && tools.has(tool));
    const accepted = elsewhere?.tools.get(tool)?.accepted;
    return accepted === undefined ? undefined : this.remember(identity, tool, accepted);
  }

  /** Accepts a definition; undefined where the bounds are reached. */
  remember(identity: ServerIdentity, tool: string, accepted: Definition): KnownTool | undefined {
    const tools = this.#toolsOf(identity);
    if (tools === undefined || (tools.size >= MAX_TOOLS && !tools.has(tool))) return undefined;
    const known: KnownTool = { accepted };
    tools.set(tool, known);
    return known;
  }

  /** Everything that was accepted. */
  servers(): ServerTools[] {
    return [...this.#servers.values()].map(({ address, name, tools }) => ({
      address,
      name,
      tools: new Map([...tools].map(([tool, { accepted }]) => [tool, accepted])),
    }));
  }

  #toolsOf(identity: ServerIdentity): Map<string, KnownTool> | undefined {
    const key = keyOf(identity);
    let server = this.#servers.get(key);
    if (server === undefined) {
      if (this.#servers.size >= MAX_SERVERS) return undefined;
      server = { address: identity.address, name: identity.name, tools: new Map() };
      this.#servers.set(key, server);
    }
    return server.tools;
  }
}

function keyOf({ address, name }: ServerIdentity): string {
  // An address is printable and cannot contain the separator.
  return `${address ?? ''}\n${name ?? ''}`;
}
