import type { Case, Plot, Question } from '../harness/question.js';
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
    rounds: 3,
  },
];

const named = (x: number): string => x.toLocaleString('en-US');

function questionOf({
  name,
  asks,
  over,
  points,
  expect,
  between: [low, high],
  most,
  rounds,
}: Growth): Question {
  const plot: Plot = { over };
  return {
    name,
    asks,
    rounds,
    quick: false,
    plot,
    ratios: [
      {
        name: `${named(high)} to ${named(low)}, ${expect === 'level' ? 'each' : 'in proportion'}`,
        of: (round) => round.of(named(high)) / round.of(named(low)) / (expect === 'level' ? 1 : high / low),
        atMost: most,
      },
    ],
    prepare: () => ({
      cases: points.map((x): Case => ({
        name: named(x),
        x,
        measure: () => runChild('growth.ts', [name, x], node()) as Record<string, number>,
      })),
    }),
  };
}

export const growth: readonly Question[] = WAYS.map(questionOf);
