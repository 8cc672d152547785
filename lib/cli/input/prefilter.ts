/** `{"record_id":"` and a UUID: where `","seq":` begins in a line of ours. */
const SEQ_AT = 14 + 36;
const SEQ_KEY = Buffer.from('","seq":');
const TIME_KEY = Buffer.from(',"time":"');
/** `2026-01-15T09:30:00.125Z` */
const TIME_LENGTH = 24;

/** Several texts, one of which a wanted line must hold. */
export type AnyOf = readonly string[];

/** Follows one text through a buffer: each search goes on where the last one found something. */
class Needle {
  readonly #text: Buffer;
  #data: Buffer = Buffer.alloc(0);
  #next = -1;

  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  enter(data: Buffer): void {
    this.#data = data;
    this.#next = -1;
  }

  within(start: number, end: number): boolean {
    if (this.#next < start) {
      const found = this.#data.indexOf(this.#text, start);
      this.#next = found === -1 ? Infinity : found;
    }
    return this.#next + this.#text.length <= end;
  }
}

/**
 * Rules out lines by their raw bytes, before any decoding. It only ever rules out what cannot match; whether a line that it
 * admits does match is for the filter to see.
 */
export class Prefilter {
  readonly #groups: readonly (readonly Needle[])[];
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  #data: Buffer = Buffer.alloc(0);

  /**
   * @param groups Of each group, one text must be in the line.
   * @param since The earliest time wanted, as records write it.
   * @param until The first time no longer wanted, as records write it.
   */
  constructor(groups: readonly AnyOf[], since?: string, until?: string) {
    this.#groups = groups.map((group) => group.map((text) => new Needle(text)));
    this.#since = since === undefined ? undefined : Buffer.from(since);
    this.#until = until === undefined ? undefined : Buffer.from(until);
  }

  /** To be called with each buffer before its lines are asked about, in order. */
  enter(data: Buffer): void {
    this.#data = data;
    for (const group of this.#groups) for (const needle of group) needle.enter(data);
  }

  /** Whether the line from `start` to `end` may be wanted. Lines must be asked about in order. */
  admits(start: number, end: number): boolean {
    for (const group of this.#groups) {
      if (!group.some((needle) => needle.within(start, end))) return false;
    }
    return this.#timely(start, end);
  }

  /** Only lines whose first three fields stand as our encoder puts them are judged; others are admitted. */
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
