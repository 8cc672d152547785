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

const PLAIN = 0;
const TOKEN = 1;
const DIGIT = 2;

const KINDS = new Uint8Array(128);
for (let code = 0; code < KINDS.length; code++) {
  const char = String.fromCharCode(code);
  KINDS[code] = /\d/.test(char) ? DIGIT : /[A-Za-z_+/.-]/.test(char) ? TOKEN : PLAIN;
}

/**
 * Says which of some triggers a text holds, by one look at each character: most strings of a call hold none, and what no
 * detector can find anything in costs nothing more.
 */
export class Gate {
  readonly #automaton: Automaton;
  /** The bits of the triggers whose literals end in a state. */
  readonly #bits: Int32Array;
  /** Bits by the number of digits, and by the length of a run, that are enough. */
  readonly #digits: Int32Array;
  readonly #runs: Int32Array;
  readonly #fewestDigits: number;
  readonly #shortestRun: number;

  constructor(triggers: readonly Trigger[]) {
    const literals = triggers.flatMap(({ literals = [] }, bit) =>
      literals.map((literal) => [literal, 1 << bit] as const),
    );
    this.#automaton = new Automaton(literals.map(([literal]) => literal));
    this.#bits = Int32Array.from(this.#automaton.states(), (ends) =>
      (ends ?? []).reduce((bits, index) => bits | (literals[index]?.[1] ?? 0), 0),
    );
    this.#digits = thresholds(triggers.map(({ digits }) => digits));
    this.#runs = thresholds(triggers.map(({ run }) => run));
    this.#fewestDigits = Math.min(...triggers.map(({ digits }) => digits ?? Infinity));
    this.#shortestRun = Math.min(...triggers.map(({ run }) => run ?? Infinity));
  }

  /** Which triggers hold, as bits in their order, with {@link SURROGATE} and {@link INVISIBLE}. */
  look(text: string): number {
    const { next, ascii, width } = this.#automaton;
    const bits = this.#bits;
    const shortestRun = this.#shortestRun;
    let found = 0;
    let state = 0;
    let run = 0;
    let longest = 0;
    let digits = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 128) {
        state = next[state * width + (ascii[code] as number)] as number;
        const kind = KINDS[code] as number;
        if (kind === PLAIN) run = 0;
        else {
          if (++run > longest) longest = run;
          if (kind === DIGIT) digits++;
        }
      } else {
        state = next[state * width + this.#automaton.classOf(code)] as number;
        run = 0;
        found |= unusual(code);
      }
      if (state !== 0) found |= bits[state] as number;
    }
    if (digits >= this.#fewestDigits) found |= atMost(this.#digits, digits);
    return longest >= shortestRun ? found | atMost(this.#runs, longest) : found;
  }
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
