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
  readonly #lines = new SessionLineReader();
  readonly #sessions = new Map<string, Session>();
  #complete = 0;
  readonly #named: Record<keyof Sessions['named'], string[]> = { complete: [], open: [], uncounted: [] };

  /** The next line of the log. */
  see(data: Buffer, start: number, end: number): void {
    const line = this.#lines.read(data, start, end);
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

const DETAIL_HEAD = '{"method":"';
const METHOD_HEAD = `"mcp":${DETAIL_HEAD}`;
const SESSION = Buffer.from('"session_id":"');
const [QUOTE, BACKSLASH, BRACE] = [0x22, 0x5c, 0x7b];

/**
 * Looks for a text in one line after the other of a chunk. The whole chunk is searched, once: a text that hardly any line has
 * costs one call for thousands of lines.
 */
export class ChunkSearch {
  readonly #text: Buffer;
  readonly #needle: Buffer;
  /** Where the needle begins within the text. */
  readonly #before: number;
  #data: Buffer | undefined;
  #next = -1;

  /**
   * @param needle The part of the text to search for. `Buffer.indexOf` is fastest (up to forty times) for at most six bytes, the
   * first of which is rare in JSON.
   */
  constructor(text: string, needle: string) {
    this.#text = Buffer.from(text);
    this.#needle = Buffer.from(needle);
    this.#before = text.indexOf(needle);
  }

  /** The place behind the text, if it stands in the line; -1 if not. Lines are to be asked for in order. */
  behind(data: Buffer, start: number, end: number): number {
    if (data !== this.#data) {
      this.#data = data;
      this.#next = data.indexOf(this.#needle, start);
    }
    while (this.#next !== -1 && this.#next < end) {
      const at = this.#next - this.#before;
      if (at >= start && stands(this.#text, data, at)) return at + this.#text.length;
      this.#next = data.indexOf(this.#needle, this.#next + 1);
    }
    return -1;
  }
}

/** Finds what lines tell of the requests of their sessions. */
class SessionLineReader {
  readonly #method = new ChunkSearch(METHOD_HEAD, '{"meth');
  readonly #legs = new ChunkSearch('"legs":[{', '[{');
  readonly #stage = new ChunkSearch('"stage":"', 'stage"');

  /**
   * Most lines need not be parsed: the fields that are asked for stand before all that comes from outside, in a fixed order. The
   * others are.
   */
  read(data: Buffer, start: number, end: number): SessionLine | undefined {
    const method = this.#method.behind(data, start, end);
    if (method === -1) return undefined;
    if (
      // Only texts and numbers stand before the detail. Behind a brace it may be a part of `data` that looks like a detail.
      data.indexOf(BRACE, start + 1) < method - DETAIL_HEAD.length ||
      stands(INITIALIZE, data, method) ||
      stands(CLOSE, data, method) ||
      this.#legs.behind(data, start, end) !== -1 ||
      this.#stage.behind(data, start, end) !== -1
    )
      return parsedLine(data, start, end);
    const fields = new FieldReader(data, method, end);
    fields.skip();
    if (fields.isAt(PROTOCOL_VERSION)) fields.skip();
    const id = fields.isAt(REQUEST_ID) ? fields.text() : undefined;
    const connection = fields.isAt(CONNECTION_ID) ? fields.text() : undefined;
    if (fields.isEscaped) return parsedLine(data, start, end);
    if (id === undefined || fields.isAt(REQUESTED_BY)) return undefined;
    const key = connection ?? sessionBefore(data, start, method);
    return key === undefined ? parsedLine(data, start, end) : { key, ids: [id] };
  }
}

const INITIALIZE = Buffer.from('initialize"');
const CLOSE = Buffer.from('close"');
const [PROTOCOL_VERSION, REQUEST_ID, CONNECTION_ID, REQUESTED_BY] = [
  ...['protocol_version', 'request_id', 'connection_id', 'requested_by'],
].map((name) => Buffer.from(`,"${name}":"`)) as [Buffer, Buffer, Buffer, Buffer];

/** Reads text fields that follow each other. */
class FieldReader {
  /** Whether a text has something escaped in it, so that its bytes are not those of the text. */
  isEscaped = false;

  constructor(
    private readonly data: Buffer,
    private at: number,
    private readonly end: number,
  ) {}

  /** Whether a field begins here; if it does, its text is next. */
  isAt(head: Buffer): boolean {
    if (!stands(head, this.data, this.at)) return false;
    this.at += head.length;
    return true;
  }

  /** Passes over a text; returns the place where it ends. */
  skip(): number {
    let at = this.at;
    for (; at < this.end && this.data[at] !== QUOTE; at++) {
      if (this.data[at] !== BACKSLASH) continue;
      this.isEscaped = true;
      at++;
    }
    this.at = at + 1;
    return at;
  }

  text(): string {
    const start = this.at;
    return this.data.toString('utf8', start, this.skip());
  }
}

/** Whether a text stands at a place. */
function stands(text: Buffer, data: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (data[at + i] !== text[i]) return false;
  return true;
}

/** The session of a record, which stands before the detail of the protocol; nothing if it cannot be read without parsing. */
function sessionBefore(data: Buffer, start: number, end: number): string | undefined {
  const at = data.subarray(start, end).indexOf(SESSION);
  if (at === -1) return undefined;
  const fields = new FieldReader(data, start + at + SESSION.length, end);
  const session = fields.text();
  return fields.isEscaped ? undefined : session;
}

function parsedLine(data: Buffer, start: number, end: number): SessionLine | undefined {
  let record: Parsed;
  try {
    record = JSON.parse(data.toString('utf8', start, end)) as Parsed;
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
