import type { Case, Figures, Plot, Question, Ratio, Round } from '../harness/question.js';
import { runChild } from '../tools/measure.js';
import { node } from '../tools/node.js';

/** One way in which a load can grow: measured at some points, each in a process of its own. */
interface Growth {
  readonly name: string;
  readonly asks: string;
  readonly over: string;
  readonly points: readonly number[];
  /** Whether the first figure is to grow with the load, or to stay as it is. */
  readonly expect: 'proportion' | 'level';
  /** Between which points the two are compared: below the first, what every call costs shows more than the load. */
  readonly between: readonly [number, number];
  readonly most: number;
  /** Whether the client's own cost is in the figures: then it is measured beside, and what auditing adds is what is judged. */
  readonly bare?: boolean;
  readonly rounds: number;
}

const WAYS: readonly Growth[] = [
  {
    name: 'growth-argument-size',
    asks: 'How does the cost of a record grow with the size of its arguments?',
    over: 'bytes of the arguments',
    points: [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    expect: 'proportion',
    between: [10_000, 10_000_000],
    most: 2,
    rounds: 3,
  },
  {
    name: 'growth-records',
    asks: 'Does a record cost more when many have been written?',
    over: 'records written',
    points: [1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    expect: 'level',
    between: [100_000, 10_000_000],
    most: 1.25,
    rounds: 1,
  },
  {
    name: 'growth-sinks',
    asks: 'How does the cost of a record grow with the number of sinks?',
    over: 'file sinks',
    points: [1, 2, 4, 8],
    expect: 'proportion',
    between: [1, 8],
    most: 1.25,
    rounds: 3,
  },
  {
    name: 'growth-concurrent-calls',
    asks: 'Does a call cost more when many are under way?',
    over: 'concurrent calls',
    points: [1, 10, 100, 1_000, 10_000],
    expect: 'level',
    between: [10, 10_000],
    most: 1.5,
    bare: true,
    rounds: 3,
  },
  {
    name: 'growth-open-clients',
    asks: 'Does a call cost more when many clients are open?',
    over: 'open clients',
    points: [1, 10, 100, 1_000, 10_000],
    expect: 'level',
    between: [10, 10_000],
    most: 1.5,
    bare: true,
    rounds: 3,
  },
];

const named = (x: number): string => x.toLocaleString('en-US');
const bareAt = (x: number): string => `${named(x)}, bare`;

/** How a figure at the higher load compares to the one at the lower, in terms of what is expected of it. */
function ratiosOf({ expect, between: [low, high], most, bare }: Growth): Ratio[] {
  const per = expect === 'level' ? 1 : high / low;
  const [least, greatest] = [named(low), named(high)];
  const title = `${greatest} to ${least}, ${expect === 'level' ? 'each' : 'in proportion'}`;
  const all: Ratio = { name: title, of: (round) => round.of(greatest) / round.of(least) / per };
  if (bare !== true) return [{ ...all, atMost: most }];
  const added = (round: Round, x: number) => round.of(named(x)) - round.of(bareAt(x));
  return [
    all,
    { name: `${title}, bare`, of: (round) => round.of(bareAt(high)) / round.of(bareAt(low)) },
    {
      name: `${title}, added by auditing`,
      of: (round) => added(round, high) / added(round, low),
      atMost: most,
    },
  ];
}

function questionOf(growth: Growth): Question {
  const { name, asks, over, points, between, rounds, bare } = growth;
  const measure = (x: number, ...more: string[]) =>
    runChild('growth.ts', [name, x, ...more], node()) as Figures;
  const plot: Plot = { over };
  return {
    name,
    asks,
    rounds,
    quick: false,
    plot,
    ratios: ratiosOf(growth),
    prepare: () => ({
      cases: [
        ...points.map((x): Case => ({ name: named(x), x, measure: () => measure(x) })),
        ...(bare === true ? between : []).map((x): Case => ({
          name: bareAt(x),
          measure: () => measure(x, 'bare'),
        })),
      ],
    }),
  };
}

export const growth: readonly Question[] = WAYS.map(questionOf);
