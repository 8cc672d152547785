import { Automaton } from './automaton.js';

/** What a text must hold for a detector to find anything in it; one of these is enough. */
export interface Trigger {
  /** Texts, in any case. */
  readonly literals?: readonly string[];
  /** So many digits in all. */
  readonly digits?: number;
  /** So many characters in a row that keys are written in: letters, digits, `_ + / . -`. */
  readonly run?: number;
}

/** A bit beside those of the triggers: the text holds a half of a surrogate pair, which may be a lone one. */
export const SURROGATE = 1 << 30;
/** A bit beside those of the triggers: the text holds characters that show nothing, which may part a secret. */
export const INVISIBLE = 1 << 29;

/** Characters that keys are written in. */
const RUN_CHARS = new Uint8Array(128);
for (let code = 0; code < RUN_CHARS.length; code++)
  RUN_CHARS[code] = /[A-Za-z0-9_+/.-]/.test(String.fromCharCode(code)) ? 1 : 0;

/** The characters of a text that are looked at, some thousands at a time: reading them here is faster than out of a string. */
const UNITS = new Uint16Array(4_096);
const BYTES = Buffer.from(UNITS.buffer);
/** From this length on, writing a text into bytes is faster than copying its characters one by one. */
const LONG = 128;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** ASCII and full-width digits. */
const DIGITS = /[\d\uff10-\uff19]/g;

/**
 * Says which of some triggers a text holds, by one look at each character: most strings of a call hold none, and what no
 * detector can find anything in costs nothing more.
 */
export class Gate {
  readonly #automaton: Automaton;
  /**
   * The steps of the automaton, its states in an order in which those that a literal ends in come last. A state is the place of
   * its row here, so that a step, which waits for the one before it, needs no multiplication.
   */
  readonly #steps: Uint32Array;
  /** The row of the first state that a literal ends in. */
  readonly #firstEnd: number;
  /** The bits of the triggers whose literals end there, state by state from that one on. */
  readonly #bits: Int32Array;
  /** Bits by the number of digits, and by the length of a run, that are enough. */
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

  /** Which triggers hold, as bits in their order, with {@link SURROGATE} and {@link INVISIBLE}. */
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

  /** Digits are counted no further than it matters. */
  #countDigits(text: string): number {
    const most = this.#digits.length - 1;
    let digits = 0;
    DIGITS.lastIndex = 0;
    while (digits < most && DIGITS.test(text)) digits++;
    return atMost(this.#digits, digits);
  }

  /** A run of some length has a character at every place so far apart: what stands between is looked at only where one is. */
  #measureRuns(text: string): number {
    const step = this.#shortestRun;
    let longest = 0;
    for (let index = step - 1; index < text.length;) {
      if (!isRunChar(text, index)) {
        index += step;
        continue;
      }
      let start = index;
      while (start > 0 && isRunChar(text, start - 1)) start--;
      let end = index + 1;
      while (end < text.length && isRunChar(text, end)) end++;
      longest = Math.max(longest, end - start);
      index = end + step;
    }
    return longest >= step ? atMost(this.#runs, longest) : 0;
  }
}

/** Copies characters from a place on into {@link UNITS}; how many they were. */
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

/** The automaton's table with its states in another order, in which the first stays the first, each as the place of its row. */
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

/** By a number, the bits of all that are satisfied with it: at each place those that ask for no more. */
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

/** Soft hyphens, joiners, marks of direction, zero-width spaces: what no reader sees and no secret is written with. */
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

/** The text without characters that show nothing. */
export function withoutInvisible(text: string): string {
  return text.replace(/[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g, '');
}
