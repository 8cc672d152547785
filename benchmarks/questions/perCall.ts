import type { Question, Ratio } from '../harness/question.js';
import {
  added,
  BLOCKING,
  BLOCKING_TO_BATCH,
  cases,
  floors,
  HOME_MADE,
  MEMORY_V1,
  PARTS,
  toPeer,
  WHOLE,
  WHOLE_TO_HOME_MADE,
  WHOLE_TO_PEER,
} from './calls.js';

const V1 = [
  ...['bare', 'a span', 'peer', HOME_MADE, 'a span, and a line written', 'spans only', 'records in memory'],
  ...['records in a file, batch', 'records in a file, blocking', WHOLE, BLOCKING],
  'withLogging, no SDK, records in memory',
];

export const perCall: Question = {
  name: 'per-call',
  asks: "What does auditing add to a callTool over the SDK's in-memory transport, beside a peer that traces only?",
  rounds: 7,
  quick: true,
  ratios: [
    toPeer('spans only', 1.3),
    toPeer('records in memory'),
    toPeer('records in a file, batch'),
    WHOLE_TO_PEER,
    WHOLE_TO_HOME_MADE,
    toPeer('withLogging, no SDK, records in memory'),
    BLOCKING_TO_BATCH,
    ...PARTS,
  ],
  prepare: (effort) => ({
    cases: [
      ...cases(
        MEMORY_V1,
        V1.filter((name) => !(effort.quick && name.startsWith('a span'))),
        effort,
      ),
      ...floors(),
    ],
  }),
};

const V2 = ['bare', 'a span', 'spans only', 'records in memory', WHOLE, BLOCKING];

/** The peer does not know version 2 of the SDK; a plain span stands in for it. */
export const perCallV2: Question = {
  name: 'per-call-v2',
  asks: 'What does auditing add to a callTool of version 2 of the SDK, beside a plain span?',
  rounds: 7,
  quick: false,
  ratios: [
    ...['spans only', 'records in memory', WHOLE].map((name): Ratio => ({
      name: `added by ${name}, to a span's`,
      of: (round) => added(round, name) / added(round, 'a span'),
    })),
    BLOCKING_TO_BATCH,
  ],
  prepare: (effort) => ({ cases: cases({ ...MEMORY_V1, line: 'v2' }, V2, effort) }),
};

export const sampling: Question = {
  name: 'sampling',
  asks: 'What does a call cost when nobody samples it?',
  rounds: 9,
  quick: false,
  ratios: ['records in memory, sampler off', 'records in memory, no SDK'].map((name) => ({
    name: `${name}, to sampled`,
    of: (round) => round.of(name) / round.of('records in memory'),
    atMost: 1.2,
  })),
  prepare: (effort) => ({
    cases: cases(
      MEMORY_V1,
      ['records in memory', 'records in memory, sampler off', 'records in memory, no SDK'],
      effort,
    ),
  }),
};
