import type { McpRequests } from '../../schema/record.js';

/** What one record tells of the requests of its session. */
export interface SessionLine {
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
export function sessionLine(data: Buffer, start: number, end: number): SessionLine | undefined {
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
