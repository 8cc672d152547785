import { MAX_READ_BYTES, UnderWay, type Piece } from './lines.js';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;

/** A whole event of a stream with the empty line that ends it, or a piece of one that is too long to be read. */
export type EventPiece =
  | { readonly kind: 'event'; readonly bytes: Buffer }
  | Extract<Piece, { readonly kind: 'part' }>;

/**
 * Cuts a stream of server-sent events (WHATWG HTML, section 9.2) into events, and keeps no more of them than may be read. Every byte
 * that goes in comes out, in order.
 */
export class EventCutter {
  readonly #event: UnderWay<'event'>;
  /** Whether a line begins here: an event ends with an empty one. */
  #isLineStart = true;
  /** Whether the byte before was the CR that ended a line: a LF belongs to it. */
  #isAfterCr = false;

  constructor(limit = MAX_READ_BYTES) {
    this.#event = new UnderWay('event', limit);
  }

  /** What is complete with these bytes. */
  *cut(bytes: Buffer): Generator<EventPiece, void> {
    let start = 0;
    let nextCr = bytes.indexOf(CR);
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.#isAfterCr) {
        this.#isAfterCr = false;
        continue;
      }
      this.#isAfterCr = false;
      if (byte !== LF && byte !== CR) {
        this.#isLineStart = false;
        if (nextCr !== -1 && nextCr < at) nextCr = bytes.indexOf(CR, at);
        at = before(bytes.indexOf(LF, at), nextCr, bytes.length) - 1;
        continue;
      }
      const isEnd = this.#isLineStart;
      this.#isLineStart = true;
      this.#isAfterCr = byte === CR;
      if (!isEnd) continue;
      if (byte === CR && bytes[at + 1] === LF) at++;
      this.#event.hold(bytes.subarray(start, at + 1));
      start = at + 1;
      this.#isAfterCr = byte === CR && bytes[at] === CR;
      yield this.#event.whole();
    }
    if (start < bytes.length) this.#event.hold(bytes.subarray(start));
    yield* this.#event.overflow();
  }

  /** The stream has ended: what is left is no event to its reader, and passes all the same. */
  end(): Generator<EventPiece, void> {
    return this.#event.rest();
  }
}

/** The first of two places, where -1 is none. */
function before(one: number, other: number, end: number): number {
  return Math.min(one === -1 ? end : one, other === -1 ? end : other);
}

/** What one event says. */
export interface ServerEvent {
  /** `message` where it names none. */
  readonly type: string;
  /** What a client would resume the stream with. */
  readonly id: string | undefined;
  /** How long a client shall wait before it connects again, in milliseconds. */
  readonly retry: number | undefined;
  /** Undefined where it has none, as an event has that only tells its id. */
  readonly data: Buffer | undefined;
}

interface Line {
  /** With its end. */
  readonly bytes: Buffer;
  readonly field: string;
  readonly value: Buffer;
}

function* linesOf(bytes: Buffer): Generator<Line, void> {
  for (let at = 0; at < bytes.length;) {
    const end = before(bytes.indexOf(LF, at), bytes.indexOf(CR, at), bytes.length);
    const next = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    const colon = bytes.subarray(at, end).indexOf(COLON);
    const nameEnd = colon === -1 ? end : at + colon;
    const valueStart = colon === -1 ? end : nameEnd + (bytes[nameEnd + 1] === SPACE ? 2 : 1);
    yield {
      bytes: bytes.subarray(at, next),
      field: bytes.toString('latin1', at, nameEnd),
      value: bytes.subarray(Math.min(valueStart, end), end),
    };
    at = next;
  }
}

/** Reads an event. Fields that it does not know, comments among them, say nothing. */
export function readEvent(bytes: Buffer): ServerEvent {
  let type = 'message';
  let id: string | undefined;
  let retry: number | undefined;
  const data: Buffer[] = [];
  for (const { field, value } of linesOf(bytes)) {
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value.toString() || 'message';
    else if (field === 'id' && !value.includes(0)) id = value.toString();
    else if (field === 'retry' && /^\d+$/.test(value.toString('latin1'))) retry = Number(value.toString());
  }
  return { type, id, retry, data: data.length === 0 ? undefined : joined(data) };
}

function joined(lines: readonly Buffer[]): Buffer {
  const [first, ...others] = lines;
  if (first !== undefined && others.length === 0) return first;
  return Buffer.from(lines.map((line) => line.toString('latin1')).join('\n'), 'latin1');
}

/** The same event with other data; without any, it is no event to its reader, and still tells its id. */
export function withData(bytes: Buffer, data: Buffer | undefined): Buffer {
  const kept: Buffer[] = [];
  let isWritten = data === undefined;
  for (const line of linesOf(bytes)) {
    if (line.field !== 'data') kept.push(line.bytes);
    else if (!isWritten) {
      kept.push(dataLines(data));
      isWritten = true;
    }
  }
  return Buffer.concat(kept);
}

/** An event that says nothing but this. */
export function eventOf(text: string): Buffer {
  return Buffer.concat([dataLines(Buffer.from(text)), Buffer.from('\n')]);
}

function dataLines(data: Buffer | undefined): Buffer {
  const lines = (data?.toString('latin1') ?? '').split(/\r\n|\r|\n/);
  return Buffer.from(lines.map((line) => `data: ${line}\n`).join(''), 'latin1');
}

/** What stands before the data of an event that has one line of them. */
export const BEFORE_DATA = /^(?:(?:event|id|retry)?:[^\r\n]*[\r\n]+)*data: ?/;
