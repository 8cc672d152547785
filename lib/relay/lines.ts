import type { Readable } from 'node:stream';

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
export class UnderWay<Kind extends string> {
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
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}
