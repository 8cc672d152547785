import { PassThrough, type Readable } from 'node:stream';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

/** The line feed that ends a line. */
const LF = 0x0a;

/**
 * A line longer than this is not read but passed on as it comes, and is on record without its content: reading takes several times its
 * size in memory. Servers and clients write messages of some kilobytes; images and files in them make some megabytes.
 */
export const MAX_READ_BYTES = 16 * 1024 * 1024;

/** A whole line with its line feed; or a piece of one that is too long to be read, whole lines of it being made of several. */
export type Piece =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'part'; readonly bytes: Buffer; readonly isFirst: boolean; readonly isLast: boolean };

/** A piece of what is too long to be read. */
type Part = Extract<Piece, { readonly kind: 'part' }>;

/** What is under way in a stream: it is kept until it is whole, or, where it is too long to be read, given out in parts. */
class UnderWay<Kind extends string> {
  readonly #kind: Kind;
  readonly #limit: number;
  #held: Buffer[] = [];
  #size = 0;
  /** Whether it is too long, and its beginning has come out. */
  #isLong = false;

  constructor(kind: Kind, limit: number) {
    this.#kind = kind;
    this.#limit = limit;
  }

  hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#size += bytes.length;
  }

  /** It is whole with what was held last. */
  whole(): { readonly kind: Kind; readonly bytes: Buffer } | Part {
    return this.#isLong || this.#size > this.#limit ? this.#part(true) : this.#complete();
  }

  /** What of it goes out before it is whole. */
  *overflow(): Generator<Part, void> {
    if (this.#size > 0 && (this.#isLong || this.#size > this.#limit)) yield this.#part(false);
  }

  /** The stream has ended before it was whole. */
  *rest(): Generator<{ readonly kind: Kind; readonly bytes: Buffer } | Part, void> {
    if (this.#isLong) yield this.#part(true);
    else if (this.#size > 0) yield this.#complete();
  }

  #complete(): { readonly kind: Kind; readonly bytes: Buffer } {
    return { kind: this.#kind, bytes: this.#take() };
  }

  #part(isLast: boolean): Part {
    const isFirst = !this.#isLong;
    this.#isLong = !isLast;
    return { kind: 'part', bytes: this.#take(), isFirst, isLast };
  }

  #take(): Buffer {
    const [only, ...more] = this.#held;
    const taken = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#held);
    this.#held = [];
    this.#size = 0;
    return taken;
  }
}

/** Cuts a stream of bytes into lines, and keeps no more of them than may be read. Every byte that goes in comes out, in order. */
export class LineCutter {
  readonly #line: UnderWay<'line'>;

  constructor(limit = MAX_READ_BYTES) {
    this.#line = new UnderWay('line', limit);
  }

  /** What is complete with these bytes. */
  *cut(bytes: Buffer): Generator<Piece, void> {
    let start = 0;
    for (let feed = bytes.indexOf(LF); feed !== -1; feed = bytes.indexOf(LF, start)) {
      this.#line.hold(bytes.subarray(start, feed + 1));
      start = feed + 1;
      yield this.#line.whole();
    }
    if (start < bytes.length) this.#line.hold(bytes.subarray(start));
    yield* this.#line.overflow();
  }

  /** The stream has ended: what is left is a line without a line feed. */
  end(): Generator<Piece, void> {
    return this.#line.rest();
  }
}

/** Cuts a stream into lines. Resolves when the stream has ended, in whichever way. */
export function eachPiece(stream: Readable, take: (piece: Piece) => void): Promise<void> {
  const cutter = new LineCutter();
  return new Promise((resolve) => {
    stream.on('data', (bytes: Buffer) => {
      for (const piece of cutter.cut(bytes)) take(piece);
    });
    stream.once('end', () => {
      for (const piece of cutter.end()) take(piece);
      resolve();
    });
    stream.once('error', () => resolve());
    stream.once('close', resolve);
  });
}

/** A line without its line feed. */
export function withoutFeed(bytes: Buffer): Buffer {
  return bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes;
}

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
interface ServerEvent {
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

/** Who takes the messages of a stream. */
export interface EventTaker {
  readonly take: (data: Buffer) => Promise<void>;
  /** Takes one that is too long to be read. */
  readonly takeLong: (pieces: Readable) => Promise<void>;
  /** Resolves while more may come. */
  readonly ready: () => Promise<void>;
  /** Told where the server takes messages, over the transport of revision 2024-11-05. */
  readonly onEndpoint?: (address: string) => void;
}

/** Where a stream stopped. */
export interface Seen {
  /** The id of its last event that has one. */
  readonly id: string | undefined;
  /** How long to wait before going on, as the server has it, in milliseconds. */
  readonly retry: number | undefined;
  readonly events: number;
}

/** Takes the messages out of a stream of the server's. Resolves when it has ended or broken off. */
export async function takeEvents(upstream: IncomingMessage, taker: EventTaker): Promise<Seen> {
  let seen: Seen = { id: undefined, retry: undefined, events: 0 };
  const event = async (bytes: Buffer): Promise<void> => {
    const { type, id, retry, data } = readEvent(bytes);
    seen = { id: id ?? seen.id, retry: retry ?? seen.retry, events: seen.events + 1 };
    if (data === undefined || data.length === 0) return;
    if (type === 'endpoint') taker.onEndpoint?.(data.toString());
    if (type === 'message') await taker.take(data);
  };
  const cutter = new EventCutter();
  let long = new PassThrough();
  const part = async ({ bytes, isFirst, isLast }: Extract<EventPiece, { kind: 'part' }>): Promise<void> => {
    if (isFirst) {
      long = new PassThrough();
      void taker.takeLong(long);
    }
    if (!long.write(isFirst ? fromData(bytes) : bytes)) await once(long, 'drain');
    if (isLast) long.end();
  };
  try {
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      for (const piece of cutter.cut(chunk))
        if (piece.kind === 'event') void event(piece.bytes);
        else await part(piece);
      await taker.ready();
    }
  } catch {
    // It broke off.
  }
  long.end();
  return seen;
}

/** The first piece of an event that is too long to be read, from its data on. */
function fromData(bytes: Buffer): Buffer {
  const before = BEFORE_DATA.exec(bytes.toString('latin1', 0, 4096))?.[0] ?? '';
  return bytes.subarray(before.length);
}
