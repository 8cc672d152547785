/** A figure over all rounds: its median, its least, its most. */
export type Spread = readonly [median: number, least: number, most: number];

/** What a case came to. */
export interface CaseAnswer {
  readonly name: string;
  readonly x?: number | undefined;
  readonly figures: Readonly<Record<string, Spread>>;
}

/** What a ratio came to, and what it was to be. */
export interface RatioAnswer {
  readonly name: string;
  readonly value: Spread;
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}

/** The answer to one question. */
export interface Answer {
  readonly rounds: number;
  readonly cases: readonly CaseAnswer[];
  readonly ratios: readonly RatioAnswer[];
}

/** Whether an aim is met; undefined where there is none. */
export function isMet({ value: [median], atMost, atLeast }: RatioAnswer): boolean | undefined {
  if (atMost !== undefined) return median <= atMost;
  return atLeast === undefined ? undefined : median >= atLeast;
}

/** The median (the lower of two in the middle) and the ends of some values, to four digits. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const digits = (value: number | undefined) => Number((value ?? NaN).toPrecision(4));
  return [digits(sorted[(sorted.length - 1) >> 1]), digits(sorted[0]), digits(sorted.at(-1))];
}
