import { type McpRequests } from '../../schema/record.js';
import { RequestIds } from './requestIds.js';

/** So many sessions are named; all are counted. */
const NAMED = 20;

/** The sessions of a log, by what their closing records say and what is on file of them. */
export interface Sessions {
  /** Closed, and every request that was sent is on file. */
  readonly complete: number;
  /** Opened and never closed: the process was killed, or they are open still. */
  readonly open: number;
  /** Closed, and what is on file is not what was sent. */
  readonly different: number;
  /** Closed without a count, or begun before this log. */
  readonly uncounted: number;
  /** The first of each, by `session_id`, or `mcp.connection_id` where several connections share one. */
  readonly named: {
    readonly complete: readonly string[];
    readonly open: readonly string[];
    readonly uncounted: readonly string[];
  };
  /** The first of those that differ, and how. */
  readonly differences: readonly { readonly session: string; readonly difference: string }[];
}

interface Session {
  isOpened: boolean;
  isClosed: boolean;
  readonly ids: RequestIds;
  requests: McpRequests | undefined;
}

/** Holds the records of each session against what its closing record says was sent. */
export class SessionCheck {
  readonly #sessions = new Map<string, Session>();
  #complete = 0;
  readonly #named: Record<keyof Sessions['named'], string[]> = { complete: [], open: [], uncounted: [] };

  /** The next line of the log. */
  see(data: Buffer, start: number, end: number): void {
    const line = sessionLine(data, start, end);
    if (line === undefined) return;
    const { key, ids, event, requests } = line;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = { isOpened: false, isClosed: false, ids: new RequestIds(), requests: undefined };
      this.#sessions.set(key, session);
    }
    for (const id of ids) session.ids.add(id);
    if (event === 'opened') session.isOpened = true;
    if (event === 'closed') {
      session.isClosed = true;
      session.requests ??= requests;
    }
    // What was complete at its end is kept no longer: a log has no end of sessions.
    if (session.requests === undefined || differenceOf(session, session.requests) !== undefined) return;
    this.#sessions.delete(key);
    this.#complete++;
    this.#name('complete', key);
  }

  #name(as: keyof Sessions['named'], session: string): void {
    if (this.#named[as].length < NAMED) this.#named[as].push(session);
  }

  finish(): Sessions {
    const found = { complete: this.#complete, open: 0, different: 0, uncounted: 0 };
    const differences: { session: string; difference: string }[] = [];
    for (const [session, { isOpened, isClosed, ids, requests }] of this.#sessions) {
      if (!isClosed) {
        // Records of which neither beginning nor end is here: of what others have traced, or of a log that was cut in parts.
        if (!isOpened) continue;
        found.open++;
        this.#name('open', session);
      } else if (requests === undefined || !isOpened) {
        found.uncounted++;
        this.#name('uncounted', session);
      } else {
        found.different++;
        const difference = differenceOf({ ids }, requests) ?? 'it is complete';
        if (differences.length < NAMED) differences.push({ session, difference });
      }
    }
    return { ...found, named: this.#named, differences };
  }
}

/** In words; nothing where all that was sent, and was not left out by the policy, is on file. */
function differenceOf({ ids }: Pick<Session, 'ids'>, requests: McpRequests): string | undefined {
  const { sent, excluded = 0, missing = 0, sha256 } = requests;
  const wanted = sent - excluded;
  if (ids.size === wanted && ids.digest() === sha256) return undefined;
  const known = missing > 0 ? `, ${missing} of them as the closing record itself says` : '';
  if (ids.size < wanted) return `${wanted - ids.size} of ${wanted} requests are not in this log${known}`;
  if (ids.size > wanted) return `${ids.size - wanted} more requests are in this log than were sent`;
  return 'the requests in this log are others than those that were sent';
}

/** What one record tells of the requests of its session. */
interface SessionLine {
  /** By which the records of one connection are found. */
  readonly key: string;
  /** The ids of the client's requests that the record stands for. */
  readonly ids: readonly string[];
  readonly event?: 'opened' | 'closed';
  /** What the closing record says; absent where an older version wrote it, or not all that went out was seen. */
  readonly requests?: McpRequests;
}

const SESSION = Buffer.from('"session_id":"');
const MCP = Buffer.from('"mcp":{"method":"');
const LEGS = Buffer.from('"legs":[{');
const STAGE = Buffer.from('"stage":"');
const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/**
 * What a line tells of the requests of its session. Most lines need not be parsed: the fields that are asked for stand before all
 * that comes from outside, in a fixed order. The others are.
 */
function sessionLine(data: Buffer, start: number, end: number): SessionLine | undefined {
  const line = data.subarray(start, end);
  const at = line.indexOf(MCP);
  if (at === -1) return undefined;
  const method = textAt(line, at + MCP.length);
  const sessionAt = line.indexOf(SESSION);
  const session = textAt(line, sessionAt + SESSION.length);
  const isPlain = method !== undefined && session !== undefined && sessionAt !== -1 && sessionAt < at;
  if (
    !isPlain ||
    method === 'initialize' ||
    method === 'close' ||
    line.includes(LEGS) ||
    line.includes(STAGE)
  )
    return parsedLine(line);
  const fields = new FieldReader(line, at + MCP.length + method.length + 1);
  fields.take('protocol_version');
  const id = fields.take('request_id');
  const connection = fields.take('connection_id');
  if (id === undefined || fields.take('requested_by') !== undefined) return undefined;
  return { key: connection ?? session, ids: [id] };
}

/** Reads text fields that follow each other. */
class FieldReader {
  constructor(
    private readonly line: Buffer,
    private at: number,
  ) {}

  take(name: string): string | undefined {
    const head = `,"${name}":"`;
    if (this.line.toString('latin1', this.at, this.at + head.length) !== head) return undefined;
    const text = textAt(this.line, this.at + head.length);
    if (text !== undefined) this.at += head.length + Buffer.byteLength(text) + 1;
    return text;
  }
}

/** A text that begins here and has nothing escaped in it. */
function textAt(line: Buffer, start: number): string | undefined {
  const end = line.indexOf(QUOTE, start);
  if (end === -1) return undefined;
  const text = line.toString('utf8', start, end);
  return text.includes(String.fromCharCode(BACKSLASH)) ? undefined : text;
}

function parsedLine(line: Buffer): SessionLine | undefined {
  let record: Parsed;
  try {
    record = JSON.parse(line.toString('utf8')) as Parsed;
  } catch {
    // That it is no record is said elsewhere.
    return undefined;
  }
  const { mcp, stage, session_id: session, outcome } = record;
  const key = textOf(mcp?.connection_id) ?? textOf(session);
  if (key === undefined || mcp === undefined || mcp === null || stage !== undefined) return undefined;
  if (mcp.requested_by !== undefined) return undefined;
  const legs = Array.isArray(mcp.legs) ? mcp.legs.map((leg: Leg | null) => textOf(leg?.request_id)) : [];
  const ids = legs.length > 0 ? legs : [textOf(mcp.request_id)];
  const found = { key, ids: [...new Set(ids.filter((id) => id !== undefined))] };
  if (mcp.method === 'initialize' && outcome === 'OUTCOME_SUCCESS' && mcp.caller_saw === 'value')
    return { ...found, event: 'opened' };
  if (mcp.method !== 'close') return found;
  return { ...found, event: 'closed', ...(isRequests(mcp.requests) && { requests: mcp.requests }) };
}

interface Leg {
  readonly request_id?: unknown;
}

interface Parsed {
  readonly session_id?: unknown;
  readonly outcome?: unknown;
  readonly stage?: unknown;
  readonly mcp?: {
    readonly method?: unknown;
    readonly request_id?: unknown;
    readonly connection_id?: unknown;
    readonly requested_by?: unknown;
    readonly caller_saw?: unknown;
    readonly legs?: unknown;
    readonly requests?: unknown;
  } | null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isRequests(value: unknown): value is McpRequests {
  if (typeof value !== 'object' || value === null) return false;
  const { sent, recorded, sha256 } = value as Partial<Record<keyof McpRequests, unknown>>;
  return [sent, recorded].every((count) => Number.isSafeInteger(count)) && typeof sha256 === 'string';
}
