import { createHash } from 'node:crypto';
import { canonicalJson } from '../schema/canonicalJson.js';
import type { Sink } from '../sinks/sink.js';

/** A tool's definition as it goes on record. */
export interface KeptDefinition {
  /** The name of the tool. */
  readonly tool: string;
  /** SHA-256 (hex) of the definition as the client was given it, in canonical JSON. */
  readonly fingerprint: string;
  /** The definition in canonical JSON (RFC 8785), redacted. */
  readonly text: string;
  /** SHA-256 (hex) of `text`: its content address. It is the fingerprint where redaction changed nothing. */
  readonly sha256: string;
}

/** Bounds, because definitions come from servers: so many are kept in one process, and so much of their text. */
const MAX_DEFINITIONS = 10_000;
const MAX_TEXT_UNITS = 16 << 20;

/**
 * A definition that is still in use goes on record again after so long. Old parts of a log are deleted some day, and a reader who
 * has the last week of it shall have the definitions of that week.
 */
const AGAIN_MS = 24 * 3600 * 1000;

interface Entry {
  /** Absent until a server lists it in this process. */
  kept?: KeptDefinition | undefined;
  /** Milliseconds since the epoch. */
  recordedAt: number;
}

/** The definitions that are on record in one log. */
export class DefinitionMemory {
  readonly #entries = new Map<string, Entry>();
  #units = 0;

  /** @param known The fingerprints of definitions that the log keeps from earlier processes, and when it took them. */
  constructor(known: ReadonlyMap<string, number> = new Map()) {
    for (const [fingerprint, recordedAt] of known) this.#entries.set(fingerprint, { recordedAt });
  }

  /** Whether no further definitions are put on record. */
  get isFull(): boolean {
    return this.#entries.size >= MAX_DEFINITIONS || this.#units >= MAX_TEXT_UNITS;
  }

  /** A definition that a server has listed, if it must go on record now. */
  listed(
    fingerprint: string,
    tool: object & { readonly name: string },
    redact: (tool: object) => unknown,
  ): KeptDefinition | undefined {
    const known = this.#entries.get(fingerprint);
    if (known?.kept !== undefined) return this.used(fingerprint);
    if (fingerprint === UNREADABLE || (known === undefined && this.isFull)) return undefined;
    const text = canonicalJson(redact(tool));
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.#units += text.length;
    const kept = { tool: tool.name, fingerprint, text, sha256 };
    this.#entries.set(fingerprint, { kept, recordedAt: known?.recordedAt ?? 0 });
    return this.used(fingerprint);
  }

  /** A definition that a record speaks of, if it must go on record again. */
  used(fingerprint: string): KeptDefinition | undefined {
    const entry = this.#entries.get(fingerprint);
    if (entry?.kept === undefined) return undefined;
    const now = Date.now();
    // A clock that was set back makes no definition young.
    if (Math.abs(now - entry.recordedAt) < AGAIN_MS) return undefined;
    entry.recordedAt = now;
    return entry.kept;
  }
}

/**
 * The definitions that every one of these sinks keeps from earlier processes, with the older of the times. A sink that does not
 * continue an older log has no say.
 */
export function keptByAll(sinks: readonly Sink[]): ReadonlyMap<string, number> {
  const maps = sinks
    .filter(({ keepsLog }) => keepsLog === true)
    .map(({ keptDefinitions }) => keptDefinitions ?? new Map<string, number>());
  const [first = new Map<string, number>(), ...others] = maps;
  const common = [...first].flatMap(([fingerprint, time]) => {
    const times = others.map((other) => other.get(fingerprint));
    return times.every((each) => each !== undefined)
      ? [[fingerprint, Math.min(time, ...times)] as const]
      : [];
  });
  return new Map(common);
}

/** A tool's definition, as far as it is remembered. */
export interface Definition {
  /** SHA-256 (hex) of the definition in canonical JSON, or {@link UNREADABLE}. */
  readonly fingerprint: string;
  /** The first digits of each field's SHA-256, which show later which fields differ. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The fingerprint of a definition that has no canonical JSON, because it is nested too deep. */
export const UNREADABLE = 'unreadable';

/** Hex digits kept of a field's digest. They name fields that differ; the fingerprint decides whether anything does. */
const FIELD_DIGITS = 16;

/** Further fields are not compared one by one: their names come from the server, and are kept. */
const MAX_FIELDS = 64;

/** What is remembered of a tool's definition as the client listed it. */
export function definitionOf(tool: object): Definition {
  const fields = Object.create(null) as Record<string, string>;
  try {
    const fingerprint = sha256(canonicalJson(tool));
    for (const key of Object.keys(tool).slice(0, MAX_FIELDS)) {
      const value: unknown = Reflect.get(tool, key);
      if (value !== undefined) fields[key] = sha256(canonicalJson(value)).slice(0, FIELD_DIGITS);
    }
    return { fingerprint, fields };
  } catch {
    return { fingerprint: UNREADABLE, fields };
  }
}

/** The names of the fields that were added, removed or given another value. */
export function differingFields(before: Definition, after: Definition): string[] {
  const names = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)]);
  return [...names].filter((name) => before.fields[name] !== after.fields[name]).sort();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

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
interface ServerTools extends ServerIdentity {
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
