import type { Case, Effort, Question, Ratio, Round } from '../harness/question.js';
import { figureOf } from '../tools/measure.js';
import { installed, node } from '../tools/node.js';

const WHOLE = 'the whole thing, batch';
const BLOCKING = 'the whole thing, blocking';

/** What a variant adds to the bare client's call, µs. */
const added = (round: Round, variant: string): number => round.of(variant) - round.of('bare');
/** The same in terms of what the peer adds for its spans. */
const toPeer = (name: string, aim?: number): Ratio => ({
  name: `added by ${name}, to the peer's`,
  of: (round) => added(round, name) / added(round, 'peer'),
  ...(aim !== undefined && { atMost: aim }),
});

const BLOCKING_TO_BATCH: Ratio = {
  name: 'added by the whole thing, blocking to batch',
  of: (round) => added(round, BLOCKING) / added(round, WHOLE),
  atMost: 1.5,
};

/** Which client is asked, in which way. */
interface Setting {
  readonly line: 'v1' | 'v2';
  readonly transport: 'memory' | 'stdio' | 'http';
  readonly sizes: Sizes;
}

function cases(
  { line, transport, sizes }: Setting,
  variants: readonly string[],
  { quick }: Effort,
  binary = node(),
): Case[] {
  const [batches, calls] = quick ? sizes.quick : sizes.full;
  return variants.map((name) => ({
    name,
    measure: () => ({ 'µs a call': figureOf('call.mjs', [name, line, transport, batches, calls], binary) }),
  }));
}

interface Sizes {
  readonly quick: readonly [batches: number, calls: number];
  readonly full: readonly [batches: number, calls: number];
}
const IN_MEMORY: Sizes = { quick: [3, 1_000], full: [8, 4_000] };
/**
 * Enough calls for the machine code to be made: after 4,000 calls over stdio a bare one takes twice what it takes after 40,000, and
 * what is added shrinks to a half.
 */
const ON_THE_WIRE: Readonly<Record<'stdio' | 'http', Sizes>> = {
  stdio: { quick: [2, 200], full: [10, 4_000] },
  http: { quick: [2, 200], full: [8, 1_500] },
};

const MEMORY_V1: Setting = { line: 'v1', transport: 'memory', sizes: IN_MEMORY };

const V1 = [
  ...['bare', 'a span', 'peer', 'a span, and a line written', 'spans only', 'records in memory'],
  ...['records in a file, batch', 'records in a file, blocking', WHOLE, BLOCKING],
  'withLogging, no SDK, records in memory',
];

/** The aims for the whole thing are those of the project: no dearer than a peer's tracing alone. */
export const perCall: Question = {
  name: 'per-call',
  asks: "What does auditing add to a callTool over the SDK's in-memory transport, beside a peer that traces only?",
  rounds: 7,
  quick: true,
  ratios: [
    toPeer('spans only', 1.3),
    toPeer('records in memory'),
    toPeer('records in a file, batch'),
    toPeer(WHOLE, 1),
    toPeer('withLogging, no SDK, records in memory'),
    BLOCKING_TO_BATCH,
  ],
  prepare: (effort) => ({
    cases: cases(
      MEMORY_V1,
      V1.filter((name) => !(effort.quick && name.startsWith('a span'))),
      effort,
    ),
  }),
};

/** The same with another Node, which is installed for it. */
function withNode(version: string): Question {
  return {
    name: `per-call-node-${version}`,
    asks: `What does auditing add to a callTool with Node ${version}?`,
    rounds: 5,
    quick: false,
    ratios: [toPeer('spans only'), toPeer(WHOLE, 1), BLOCKING_TO_BATCH],
    prepare: (effort) => {
      const { binary, remove } = installed(version);
      return {
        cases: cases(MEMORY_V1, ['bare', 'peer', 'spans only', WHOLE, BLOCKING], effort, binary),
        close: remove,
      };
    },
  };
}

export const perCallWithNode: readonly Question[] = ['22', '24'].map(withNode);

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

/** Calls to a server in another process: one that does nothing but answer. */
function onTheWire(line: 'v1' | 'v2', transport: 'stdio' | 'http', title: string): Question {
  return {
    name: `per-call-${line}-${transport}`,
    asks: `What share of a callTool over ${title} is auditing, SDK ${line}?`,
    rounds: 7,
    quick: false,
    ratios: [
      ...(line === 'v1' ? [toPeer(WHOLE, 1)] : []),
      {
        name: "the whole thing's share of a call",
        of: (round) => added(round, WHOLE) / round.of('bare'),
        atMost: 0.03,
      },
    ],
    prepare: (effort) => ({
      cases: cases(
        { line, transport, sizes: ON_THE_WIRE[transport] },
        ['bare', ...(line === 'v1' ? ['peer'] : []), WHOLE],
        effort,
      ),
    }),
  };
}

export const perCallOnTheWire: readonly Question[] = [
  onTheWire('v1', 'stdio', 'stdio'),
  onTheWire('v1', 'http', 'streamable HTTP'),
  onTheWire('v2', 'stdio', 'stdio'),
  onTheWire('v2', 'http', 'streamable HTTP'),
];

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
