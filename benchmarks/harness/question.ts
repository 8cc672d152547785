/** What one case of a question gave in one round: figures by their unit, as in `{ 'µs a call': 16.5 }`. */
export type Figures = Readonly<Record<string, number>>;

/** One thing that is measured beside the others of its question. */
export interface Case {
  readonly name: string;
  /** Where the case stands on the horizontal axis, for questions of growth. */
  readonly x?: number | undefined;
  measure(): Figures | Promise<Figures>;
}

/** What one round of a question gave. */
export interface Round {
  /** A figure of a case; the first of its figures unless a unit is named. */
  of(name: string, unit?: string): number;
}

/**
 * What a question is about: two figures of one round in terms of each other. Ratios of the same round are compared with
 * committed ones, absolute figures never are, since they tell of the machine.
 */
export interface Ratio {
  readonly name: string;
  of(round: Round): number;
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}

/** How a question is drawn: the first figure of each case over its `x`, both axes logarithmic. */
export interface Plot {
  /** What stands on the horizontal axis, with its unit. */
  readonly over: string;
}

/** A question, made ready: all that must not be measured is done. */
export interface Prepared {
  readonly cases: readonly Case[];
  close?(): unknown;
}

/** How much time there is. */
export interface Effort {
  /** For a first impression: everything small enough for all quick questions together to take less than a minute. */
  readonly quick: boolean;
}

/** One question of this project about speed, size or memory. */
export interface Question {
  /** What it says after `--only`. */
  readonly name: string;
  /** In words. */
  readonly asks: string;
  /** Rounds of the full run; a quick run has two. */
  readonly rounds: number;
  /** Whether it is part of `--quick`. */
  readonly quick: boolean;
  readonly ratios: readonly Ratio[];
  readonly plot?: Plot;
  prepare(effort: Effort): Prepared | Promise<Prepared>;
}
