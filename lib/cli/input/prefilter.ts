import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import type { Moment } from './sequence.js';

/** A text that is looked for in given places: four bytes at once, since most lines have it there. */
class FixedText {
  /** In bytes; no less than 4. */
  readonly length: number;
  readonly #words: Int32Array;
  readonly #last: number;

  constructor(text: string | Buffer) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    this.#words = Int32Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readInt32LE(4 * index));
    this.#last = bytes.readInt32LE(bytes.length - 4);
  }

  isAt(view: DataView, at: number): boolean {
    const last = at + this.length - 4;
    if (at < 0 || last + 4 > view.byteLength) return false;
    const words = this.#words;
    for (let index = 0; index < words.length; index++)
      if (view.getInt32(at + 4 * index, true) !== words[index]) return false;
    return view.getInt32(last, true) === this.#last;
  }
}

const BEGINNING = '{"record_id":"';
const ID_KEY = new FixedText(BEGINNING);
/** After the key of the id and a UUID: where `","seq":` begins in a line that this package has written. */
const SEQ_AT = 14 + 36;
const SEQ_KEY = new FixedText('","seq":');
const TIME_KEY = new FixedText(',"time":"');
/** `2026-01-15T09:30:00.125Z` */
const TIME_LENGTH = 24;

/** Texts of which a wanted line must hold at least one. */
export type AnyOf = readonly string[];

/** The first bytes of an input, which show how often each byte occurs in it. */
const SAMPLE_BYTES = 1 << 15;
/** The length of the part of a text that is searched for, in bytes. For longer ones, Node's search changes to a slower method. */
const ANCHOR_LENGTH = 6;

/**
 * Follows one text through a buffer: each search continues where the last one ended. It searches for the part of the text that
 * begins with the byte that is rarest in this input, because the speed of a search depends on its first byte.
 */
class Needle {
  readonly #text: Buffer;
  #anchor: Buffer | undefined;
  #before = 0;
  #data: Buffer = Buffer.alloc(0);
  #next = -1;

  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  enter(data: Buffer, frequencies: () => Uint32Array): void {
    this.#data = data;
    this.#next = -1;
    if (this.#anchor !== undefined) return;
    const rarity = frequencies();
    const last = Math.max(0, this.#text.length - ANCHOR_LENGTH);
    for (let at = 1; at <= last; at++) {
      if (rarity[this.#text[at]!]! < rarity[this.#text[this.#before]!]!) this.#before = at;
    }
    this.#anchor = this.#text.subarray(this.#before, this.#before + ANCHOR_LENGTH);
  }

  within(start: number, end: number): boolean {
    return this.from(start) + this.#text.length <= end;
  }

  /** Where the whole text begins at `start` or next after it; `Infinity` where the buffer holds no more of it. */
  from(start: number): number {
    while (this.#next < start) this.#next = this.#find(Math.max(start, this.#next + 1));
    return this.#next;
  }

  /** Where the whole text next begins, at `from` or later. */
  #find(from: number): number {
    const anchor = this.#anchor ?? this.#text;
    let at = this.#data.indexOf(anchor, from + this.#before);
    while (at !== -1 && !holds(this.#data, at - this.#before, this.#text))
      at = this.#data.indexOf(anchor, at + 1);
    return at === -1 ? Infinity : at - this.#before;
  }
}

/**
 * Finds characters that need no escape and have one: `\u0070` for `p`. Other programs may write them. A line that holds one has to be
 * decoded, since a search of its bytes for a text says nothing.
 */
class NeedlessEscapes {
  readonly #begin = new Needle('\\u00');
  #data: Buffer = Buffer.alloc(0);
  #next = -1;

  enter(data: Buffer, frequencies: () => Uint32Array): void {
    this.#data = data;
    this.#next = -1;
    this.#begin.enter(data, frequencies);
  }

  /** Where the next one begins, at `start` or after it; `Infinity` where there is none. */
  from(start: number): number {
    while (this.#next < start) {
      this.#next = this.#begin.from(Math.max(start, this.#next + 1));
      const digit = this.#data[this.#next + 4] ?? 0;
      // From U+0020 to U+007F, but for those that JSON has to escape, which are harmless here.
      if (this.#next !== Infinity && !(digit >= 0x32 && digit <= 0x37))
        start = Math.max(start, this.#next + 1);
    }
    return this.#next;
  }
}

/** How often each byte occurs at the beginning of a buffer. */
function byteFrequencies(data: Buffer): Uint32Array {
  const counts = new Uint32Array(256);
  const end = Math.min(data.length, SAMPLE_BYTES);
  for (let at = 0; at < end; at++) counts[data[at]!]!++;
  return counts;
}

/**
 * Rules out lines by their raw bytes, before they are decoded. It rules out only lines that cannot match; the filter decides on
 * the lines that it admits.
 */
export class Prefilter {
  readonly #groups: readonly (readonly Needle[])[];
  readonly #escapes = new NeedlessEscapes();
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #frequencies: Uint32Array | undefined;

  /**
   * @param groups A line must hold one text of each group.
   * @param since The earliest wanted time, in the form that records have.
   * @param until The first time that is no longer wanted, in the same form.
   */
  constructor(groups: readonly AnyOf[], since?: string, until?: string) {
    this.#groups = groups.map((group) => group.map((text) => new Needle(text)));
    this.#since = since === undefined ? undefined : Buffer.from(since);
    this.#until = until === undefined ? undefined : Buffer.from(until);
  }

  /** Takes the next buffer. Call it before {@link admits} is asked about its lines. */
  enter(data: Buffer): void {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const frequencies = () => (this.#frequencies ??= byteFrequencies(data));
    if (this.#groups.length === 0) return;
    this.#escapes.enter(data, frequencies);
    for (const group of this.#groups) for (const needle of group) needle.enter(data, frequencies);
  }

  /** Whether only decoding can tell what the line from `start` to `end` holds. */
  isForeign(start: number, end: number): boolean {
    return this.#groups.length > 0 && this.#escapes.from(start) < end;
  }

  /** Whether the line from `start` to `end` may be wanted. Lines must be asked about in their order. */
  admits(start: number, end: number): boolean {
    for (const group of this.#groups) {
      if (!group.some((needle) => needle.within(start, end)) && !this.isForeign(start, end)) return false;
    }
    return this.#timely(start, end);
  }

  /** A byte at `start` or after it, before which no line ends that is admitted: those lines need not be asked about. */
  skipsTo(start: number): number {
    const [group] = this.#groups;
    if (group === undefined) return start;
    let least = this.#escapes.from(start);
    for (const needle of group) least = Math.min(least, needle.from(start));
    return least;
  }

  /** Judges only lines whose first three fields have the form of this package's encoder, and admits all others. */
  #timely(start: number, end: number): boolean {
    if (this.#since === undefined && this.#until === undefined) return true;
    const view = this.#view;
    let at = start + SEQ_AT;
    if (!SEQ_KEY.isAt(view, at)) return true;
    at += SEQ_KEY.length;
    while (at < end && view.getUint8(at) >= 0x30 && view.getUint8(at) <= 0x39) at++;
    if (!TIME_KEY.isAt(view, at)) return true;
    at += TIME_KEY.length;
    if (at + TIME_LENGTH > end) return true;
    if (this.#since !== undefined && compare(view, at, this.#since) < 0) return false;
    return this.#until === undefined || compare(view, at, this.#until) < 0;
  }
}

const METADATA_KEY = Buffer.from(',"metadata":{');
const DURATION_KEY = new FixedText('","duration_ms":');
/** A number in JSON has hardly more digits than these. */
const MOST_DIGITS = 24;
/** The end of a line is remembered up to this length, in bytes; an end that is longer is not of this package's writing. */
const LONGEST_TAIL = 16 << 10;

/**
 * Recognises whole records by their bytes, so that they can be counted and put in order without decoding. Such a line begins
 * with the id and `seq` as this package writes them, ends exactly as a line that was decoded before (its metadata, and the process
 * and the log that it is from), and holds no second beginning of a record, as a line does where a torn record and the next one run
 * together.
 */
export class WholeLines {
  readonly #beginning = new Needle(BEGINNING);
  #data: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#data.buffer);
  #frequencies: Uint32Array | undefined;
  #tail: FixedText | undefined;
  #counter: LogCounter | undefined;
  #timeAt = 0;
  /** When the operation was of the line for which {@link seqOf} was asked last. To be read before the next line is asked about. */
  readonly moment: Moment = momentAt(() => [this.#data, this.#view, this.#timeAt]);

  /** Takes the next buffer. Call it before {@link seqOf} is asked about its lines. */
  enter(data: Buffer): void {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#beginning.enter(data, () => (this.#frequencies ??= byteFrequencies(data)));
  }

  /** Remembers how a line ends that was decoded and held a record. */
  learn(record: AuditRecord, data: Buffer, start: number, end: number): void {
    const at = data.lastIndexOf(METADATA_KEY, end - METADATA_KEY.length);
    if (at <= start || end - at > LONGEST_TAIL) return;
    this.#tail = new FixedText(data.subarray(at, end));
    this.#counter = counterOf(record);
  }

  /** Who counted the lines that {@link seqOf} recognises. */
  get counter(): LogCounter | undefined {
    return this.#counter;
  }

  /** The `seq` of the line from `start` to `end`; undefined where only decoding can tell whether it is a record. */
  seqOf(start: number, end: number): number | undefined {
    const view = this.#view;
    const tail = this.#tail;
    if (tail === undefined || end - start < SEQ_AT + tail.length) return undefined;
    if (!ID_KEY.isAt(view, start) || !SEQ_KEY.isAt(view, start + SEQ_AT)) return undefined;
    if (!tail.isAt(view, end - tail.length) || this.#beginning.within(start + 1, end)) return undefined;
    let seq = 0;
    let at = start + SEQ_AT + SEQ_KEY.length;
    for (let digit = view.getUint8(at) - 0x30; digit >= 0 && digit <= 9; digit = view.getUint8(++at) - 0x30)
      seq = seq * 10 + digit;
    this.#timeAt = at + TIME_KEY.length;
    return TIME_KEY.isAt(view, at) ? seq : undefined;
  }
}

/** `toString` finds out first what its arguments mean, which takes longer than a text of so few bytes. */
function latin1(data: Buffer, start: number, end: number): string {
  return (data as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(
    start,
    Math.min(end, data.length),
  );
}

/** The moment of a line whose time begins somewhere in a buffer. Its parts are decoded when they are asked for. */
function momentAt(place: () => readonly [data: Buffer, view: DataView, timeAt: number]): Moment {
  return {
    get time() {
      const [data, , at] = place();
      return latin1(data, at, at + TIME_LENGTH);
    },
    get durationMs() {
      const [data, view, timeAt] = place();
      const at = timeAt + TIME_LENGTH;
      if (!DURATION_KEY.isAt(view, at)) return 0;
      const from = at + DURATION_KEY.length;
      return Number.parseFloat(latin1(data, from, from + MOST_DIGITS));
    },
  };
}

function holds(data: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) if (data[at + index] !== text[index]) return false;
  return true;
}

function compare(view: DataView, at: number, text: Buffer): number {
  for (let index = 0; index < text.length; index++) {
    const difference = view.getUint8(at + index) - text[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
