import type { RatioAnswer } from './answer.js';
import type { Results } from './results.js';
import { number } from './tables.js';

/** Changes smaller than this are the machine's. */
const NOISE = 0.15;

/** A ratio that is not what it was. */
export interface Move {
  readonly question: string;
  readonly ratio: string;
  readonly before: number;
  readonly now: number;
}

/**
 * The ratios that have moved: their medians lie apart by more than noise, and so do all rounds of one from all rounds of the
 * other. Absolute figures are not looked at.
 */
export function moved(before: Results, now: Results): Move[] {
  return Object.entries(now).flatMap(([question, { ratios }]) =>
    ratios.flatMap((ratio) => {
      const old = before[question]?.ratios.find(({ name }) => name === ratio.name);
      return old !== undefined && areApart(old, ratio)
        ? [{ question, ratio: ratio.name, before: old.value[0], now: ratio.value[0] }]
        : [];
    }),
  );
}

function areApart({ value: [old, oldLeast, oldMost] }: RatioAnswer, { value }: RatioAnswer): boolean {
  const [median, least, most] = value;
  if (Math.abs(median - old) <= NOISE * Math.abs(old)) return false;
  return least > oldMost || most < oldLeast;
}

/** What has moved, a line each, for people. */
export function tellMoves(moves: readonly Move[]): string {
  if (moves.length === 0) return 'No ratio has moved.';
  return moves
    .map(({ question, ratio, before, now }) => {
      const change = `${number(before)} to ${number(now)} (${now > before ? '+' : ''}${Math.round((100 * (now - before)) / Math.abs(before))} %)`;
      return `${question}: ${ratio} moved from ${change}`;
    })
    .join('\n');
}
