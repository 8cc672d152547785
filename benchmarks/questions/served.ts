import { emptyProject, npm } from '../../spec/matrix/projects.js';
import type { Question, Ratio } from '../harness/question.js';
import { figureOf, scratch } from '../tools/measure.js';
import { node } from '../tools/node.js';
import { added } from './calls.js';

/** The peer that traces what a server is asked. `@traceloop/instrumentation-mcp` patches only what a server asks its client. */
const PEER = 'Sentry, spans';
const SENTRY = '@sentry/node@11.12.0';

const VARIANTS = [
  ...['bare', 'a span', PEER, 'spans only', 'records in memory', 'the whole thing, batch'],
  ...['the whole thing, blocking', 'withLogging, no SDK, records in memory'],
];

const toPeer = (name: string): Ratio => ({
  name: `added by ${name}, to Sentry's`,
  of: (round) => added(round, name) / added(round, PEER),
});

export const perServedCall: Question = {
  name: 'per-served-call',
  asks: 'What does auditing add to a call on the side of the server, beside a peer that traces only?',
  rounds: 5,
  quick: false,
  ratios: ['spans only', 'records in memory', 'the whole thing, batch', 'the whole thing, blocking'].map(
    toPeer,
  ),
  prepare: ({ quick }) => {
    const peers = scratch();
    emptyProject(peers.path);
    npm(peers.path, ['install', SENTRY]);
    const sizes = quick ? [2, 500] : [6, 3_000];
    const cases = VARIANTS.map((name) => ({
      name,
      measure: () => ({
        'processor time, µs a call': figureOf('served.mjs', [name, ...sizes, peers.path], node()),
      }),
    }));
    return { cases, close: () => peers.remove() };
  },
};
