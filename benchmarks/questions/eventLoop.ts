import type { Case, Question } from '../harness/question.js';
import { runChild } from '../tools/measure.js';
import { node } from '../tools/node.js';

const AUDITED = ['the whole thing, batch', 'the whole thing, blocking'];

/** A client that makes a thousand calls a second, two every two milliseconds, with and without its audit log. */
export const eventLoop: Question = {
  name: 'event-loop',
  asks: 'How long do 1,000 records a second keep the event loop from everybody else?',
  rounds: 5,
  quick: true,
  ratios: AUDITED.map((name) => ({
    name: `${name}: ms over bare at the 99.9th percentile`,
    of: (round) => round.of(name, '99.9th percentile, ms') - round.of('bare', '99.9th percentile, ms'),
    atMost: 1,
  })),
  prepare: ({ quick }) => ({
    cases: ['bare', ...AUDITED].map((name): Case => ({
      name,
      measure: () => {
        const [p50, p999, most] = runChild('eventLoop.mjs', [name, quick ? 1.5 : 15], node()) as [
          number,
          number,
          number,
        ];
        return { '99.9th percentile, ms': p999, 'median, ms': p50, 'most, ms': most };
      },
    })),
  }),
};
