import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import type { Moment } from './sequence.js';

const ID_KEY = Buffer.from('{"record_id":"');
/** After the key of the id and a UUID: where `","seq":` begins in a line that this package has written. */
const SEQ_AT = 14 + 36;
const SEQ_KEY = Buffer.from('","seq":');
const TIME_KEY = Buffer.from(',"time":"');
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
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  #data: Buffer = Buffer.alloc(0);
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
    this.#data = data;
    const frequencies = () => (this.#frequencies ??= byteFrequencies(data));
    for (const group of this.#groups) for (const needle of group) needle.enter(data, frequencies);
  }

  /** Whether the line from `start` to `end` may be wanted. Lines must be asked about in their order. */
  admits(start: number, end: number): boolean {
    for (const group of this.#groups) {
      if (!group.some((needle) => needle.within(start, end))) return false;
    }
    return this.#timely(start, end);
  }

  /** A byte at `start` or after it, before which no line ends that is admitted: those lines need not be asked about. */
  skipsTo(start: number): number {
    const [group] = this.#groups;
    if (group === undefined) return start;
    let least = Infinity;
    for (const needle of group) least = Math.min(least, needle.from(start));
    return least;
  }

  /** Judges only lines whose first three fields have the form of this package's encoder, and admits all others. */
  #timely(start: number, end: number): boolean {
    if (this.#since === undefined && this.#until === undefined) return true;
    const data = this.#data;
    let at = start + SEQ_AT;
    if (!holds(data, at, SEQ_KEY)) return true;
    at += SEQ_KEY.length;
    while (data[at]! >= 0x30 && data[at]! <= 0x39) at++;
    if (!holds(data, at, TIME_KEY)) return true;
    at += TIME_KEY.length;
    if (at + TIME_LENGTH > end) return true;
    if (this.#since !== undefined && compare(data, at, this.#since) < 0) return false;
    return this.#until === undefined || compare(data, at, this.#until) < 0;
  }
}

const METADATA_KEY = Buffer.from(',"metadata":{');
const DURATION_KEY = Buffer.from('","duration_ms":');
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
  readonly #beginning = new Needle(ID_KEY.toString());
  #data: Buffer = Buffer.alloc(0);
  #frequencies: Uint32Array | undefined;
  #tail: Buffer | undefined;
  #counter: LogCounter | undefined;
  #timeAt = 0;

  /** Takes the next buffer. Call it before {@link seqOf} is asked about its lines. */
  enter(data: Buffer): void {
    this.#data = data;
    this.#beginning.enter(data, () => (this.#frequencies ??= byteFrequencies(data)));
  }

  /** Remembers how a line ends that was decoded and held a record. */
  learn(record: AuditRecord, data: Buffer, start: number, end: number): void {
    const at = data.lastIndexOf(METADATA_KEY, end - METADATA_KEY.length);
    if (at <= start || end - at > LONGEST_TAIL) return;
    this.#tail = Buffer.from(data.subarray(at, end));
    this.#counter = counterOf(record);
  }

  /** Who counted the lines that {@link seqOf} recognises. */
  get counter(): LogCounter | undefined {
    return this.#counter;
  }

  /** When the operation was of the line for which {@link seqOf} was asked last. */
  get moment(): Moment {
    const time = this.#data.toString('latin1', this.#timeAt, this.#timeAt + TIME_LENGTH);
    const at = this.#timeAt + TIME_LENGTH;
    if (!holds(this.#data, at, DURATION_KEY)) return { time, durationMs: 0 };
    const from = at + DURATION_KEY.length;
    return { time, durationMs: Number.parseFloat(this.#data.toString('latin1', from, from + MOST_DIGITS)) };
  }

  /** The `seq` of the line from `start` to `end`; undefined where only decoding can tell whether it is a record. */
  seqOf(start: number, end: number): number | undefined {
    const data = this.#data;
    const tail = this.#tail;
    if (tail === undefined || end - start < SEQ_AT + tail.length) return undefined;
    if (!holds(data, start, ID_KEY) || !holds(data, start + SEQ_AT, SEQ_KEY)) return undefined;
    if (!holds(data, end - tail.length, tail) || this.#beginning.within(start + 1, end)) return undefined;
    let seq = 0;
    let at = start + SEQ_AT + SEQ_KEY.length;
    for (; data[at]! >= 0x30 && data[at]! <= 0x39; at++) seq = seq * 10 + data[at]! - 0x30;
    this.#timeAt = at + TIME_KEY.length;
    return holds(data, at, TIME_KEY) ? seq : undefined;
  }
}

function holds(data: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) if (data[at + index] !== text[index]) return false;
  return true;
}

function compare(data: Buffer, at: number, text: Buffer): number {
  for (let index = 0; index < text.length; index++) {
    const difference = data[at + index]! - text[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
