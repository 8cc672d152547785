import { Automaton } from './automaton.js';

/** What a text must contain for a detector to find anything in it. One of these is enough. */
export interface Trigger {
  /** Texts, in either case. */
  readonly literals?: readonly string[];
  /** This many digits altogether. */
  readonly digits?: number;
  /** A run of this many characters that keys are written in: letters, digits, `_ + / . -`. */
  readonly run?: number;
}

/** A bit beside those of the triggers: the text holds a surrogate, which may be a lone one. */
export const SURROGATE = 1 << 30;
/** A bit beside those of the triggers: the text holds invisible characters, which may divide a secret. */
export const INVISIBLE = 1 << 29;

/** 1 for each ASCII character that keys are written in. */
const RUN_CHARS = new Uint8Array(128);
for (let code = 0; code < RUN_CHARS.length; code++)
  RUN_CHARS[code] = /[A-Za-z0-9_+/.-]/.test(String.fromCharCode(code)) ? 1 : 0;
/** How many characters behind a run belong to the part that {@link mapRuns} maps: Base64 ends in `=`, a token of Discord in `!…`. */
const BEHIND_RUN = 20;

/** Some thousands of a text's characters at a time: an array is faster to read than a string. */
const UNITS = new Uint16Array(4_096);
const BYTES = Buffer.from(UNITS.buffer);
/** From this length on, writing a text into bytes is faster than copying its characters one by one. */
const LONG = 128;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** ASCII and full-width digits. */
const DIGITS = /[\d\uff10-\uff19]/g;

/**
 * Tells which triggers a text satisfies, in one look at each character. Most strings of a call satisfy none, and cost nothing
 * more.
 */
export class Prefilter {
  readonly #automaton: Automaton;
  /**
   * The automaton's table, with the states in which a literal ends moved to its end. A state is the offset of its row, so that a
   * step, which depends on the step before it, needs no multiplication.
   */
  readonly #steps: Uint32Array;
  /** The offset of the first state in which a literal ends. */
  readonly #firstEnd: number;
  /** For each state from that one on, the bits of the triggers whose literals end there. */
  readonly #bits: Int32Array;
  /** The bits that a number of digits satisfies, and those that a length of a run does. */
  readonly #digits: Int32Array;
  readonly #runs: Int32Array;
  readonly #shortestRun: number;

  constructor(triggers: readonly Trigger[]) {
    const literals = triggers.flatMap(({ literals = [] }, bit) =>
      literals.map((literal) => [literal, 1 << bit] as const),
    );
    this.#automaton = new Automaton(literals.map(([literal]) => literal));
    const bits = this.#automaton
      .states()
      .map((ends) => (ends ?? []).reduce((all, index) => all | (literals[index]?.[1] ?? 0), 0));
    const order = [...bits.keys()].sort((one, other) => Number(bits[one] !== 0) - Number(bits[other] !== 0));
    this.#steps = reordered(this.#automaton, order);
    this.#bits = Int32Array.from(order.map((state) => bits[state] ?? 0).filter((ends) => ends !== 0));
    this.#firstEnd = (order.length - this.#bits.length) * this.#automaton.width;
    this.#digits = thresholds(triggers.map(({ digits }) => digits));
    this.#runs = thresholds(triggers.map(({ run }) => run));
    this.#shortestRun = Math.min(...triggers.map(({ run }) => run ?? Infinity));
  }

  /** The bits of the triggers that hold, in their order, with {@link SURROGATE} and {@link INVISIBLE}. */
  look(text: string): number {
    const { ascii, width } = this.#automaton;
    const steps = this.#steps;
    const firstEnd = this.#firstEnd;
    let found = 0;
    let state = 0;
    for (let start = 0; start < text.length; start += UNITS.length) {
      const length = copyUnits(text, start);
      for (let index = 0; index < length; index++) {
        const code = UNITS[index] as number;
        if (code < 128) state = steps[state + (ascii[code] as number)] as number;
        else {
          state = steps[state + this.#automaton.classOf(code)] as number;
          found |= unusual(code);
        }
        if (state >= firstEnd) found |= this.#bits[(state - firstEnd) / width] as number;
      }
    }
    return found | this.#countDigits(text) | this.#measureRuns(text);
  }

  /** Counts digits only until all thresholds are reached. */
  #countDigits(text: string): number {
    const most = this.#digits.length - 1;
    let digits = 0;
    DIGITS.lastIndex = 0;
    while (digits < most && DIGITS.test(text)) digits++;
    return atMost(this.#digits, digits);
  }

  #measureRuns(text: string): number {
    let longest = 0;
    for (let run = nextRun(text, 0, this.#shortestRun); run; run = nextRun(text, run.end, this.#shortestRun))
      longest = Math.max(longest, run.end - run.start);
    return longest === 0 ? 0 : atMost(this.#runs, longest);
  }
}

interface Run {
  readonly start: number;
  readonly end: number;
}

/**
 * The next run of key characters at least so long. Such a run covers one of any places that are so far apart, so only these are
 * looked at, and what surrounds those that hit.
 */
function nextRun(text: string, from: number, shortest: number): Run | undefined {
  for (let index = from + shortest - 1; index < text.length;) {
    if (!isRunChar(text, index)) {
      index += shortest;
      continue;
    }
    let start = index;
    while (start > from && isRunChar(text, start - 1)) start--;
    let end = index + 1;
    while (end < text.length && isRunChar(text, end)) end++;
    if (end - start >= shortest) return { start, end };
    index = end + shortest;
  }
  return undefined;
}

/**
 * Maps the parts of a text that hold runs of key characters at least so long, each with a few characters behind it, and passes over
 * the rest.
 */
export function mapRuns(text: string, shortest: number, map: (part: string) => string): string {
  let out = '';
  let done = 0;
  for (let run = nextRun(text, 0, shortest); run !== undefined;) {
    const { start } = run;
    let end = run.end + BEHIND_RUN;
    for (run = nextRun(text, run.end, shortest); run !== undefined && run.start < end;) {
      end = run.end + BEHIND_RUN;
      run = nextRun(text, run.end, shortest);
    }
    const part = text.slice(start, end);
    const mapped = map(part);
    if (mapped === part) continue;
    out += text.slice(done, start) + mapped;
    done = end;
  }
  return done === 0 ? text : out + text.slice(done);
}

/** Copies characters into {@link UNITS} and returns their number. */
function copyUnits(text: string, start: number): number {
  const length = Math.min(UNITS.length, text.length - start);
  if (LITTLE_ENDIAN && length >= LONG) return BYTES.write(text.slice(start, start + length), 'utf16le') >> 1;
  for (let index = 0; index < length; index++) UNITS[index] = text.charCodeAt(start + index);
  return length;
}

function isRunChar(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code < 128 && RUN_CHARS[code] === 1;
}

/** The automaton's table with its states in another order; the first state has to stay the first. */
function reordered({ next, width }: Automaton, order: readonly number[]): Uint32Array {
  const places = new Uint32Array(order.length);
  order.forEach((state, place) => (places[state] = place * width));
  const steps = new Uint32Array(order.length * width);
  order.forEach((state, place) => {
    for (let kind = 0; kind < width; kind++)
      steps[place * width + kind] = places[next[state * width + kind] ?? 0] ?? 0;
  });
  return steps;
}

function atMost(table: Int32Array, count: number): number {
  return table[Math.min(count, table.length - 1)] ?? 0;
}

/** For each number up to the largest threshold, the bits of the triggers that it satisfies. */
function thresholds(asked: readonly (number | undefined)[]): Int32Array {
  const most = Math.max(0, ...asked.map((number) => number ?? 0));
  return Int32Array.from({ length: most + 1 }, (_, count) =>
    asked.reduce<number>(
      (bits, number, bit) => (number !== undefined && number <= count ? bits | (1 << bit) : bits),
      0,
    ),
  );
}

function unusual(code: number): number {
  if (code >= 0xd800 && code <= 0xdfff) return SURROGATE;
  return isInvisible(code) ? INVISIBLE : 0;
}

/** Soft hyphens, joiners, direction marks and zero-width spaces: no reader sees them, and no secret is written with them. */
function isInvisible(code: number): boolean {
  return (
    code === 0xad ||
    code === 0x34f ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x2064) ||
    code === 0xfeff
  );
}

/** The text without invisible characters. */
export function withoutInvisible(text: string): string {
  return text.replace(/[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g, '');
}
