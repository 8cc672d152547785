import type { Case, Effort, Ratio, Round } from '../harness/question.js';
import { figureOf } from '../tools/measure.js';
import { node } from '../tools/node.js';

/** Redaction, integrity and a file. */
export const WHOLE = 'the whole thing, batch';
/** The same, where callers wait for the file. */
export const BLOCKING = 'the whole thing, blocking';

/** What a variant adds to the bare client's call, µs. */
export const added = (round: Round, variant: string): number => round.of(variant) - round.of('bare');
/** The same in terms of what the peer adds for its spans. */
export const toPeer = (name: string, aim?: number): Ratio => ({
  name: `added by ${name}, to the peer's`,
  of: (round) => added(round, name) / added(round, 'peer'),
  ...(aim !== undefined && { atMost: aim }),
});

/** The peer's tracing, a line of pino's with fixed-path redaction, and one hash of the line: what a program would have instead. */
export const HOME_MADE = 'build it yourself';

/** At most twice what the peer adds for its spans: a record, its redaction and its seal for the price of another trace. */
export const WHOLE_TO_PEER = toPeer(WHOLE, 2);
/** The same in terms of what the peer and a log of one's own add. */
export const WHOLE_TO_HOME_MADE: Ratio = {
  name: `added by ${WHOLE}, to what is added by '${HOME_MADE}'`,
  of: (round) => added(round, WHOLE) / added(round, HOME_MADE),
  atMost: 0.7,
};

/** A short call of a real tool, µs: one that asks a database or reads a few files. */
const A_SHORT_TOOL = 5_000;

/**
 * The share of a call that auditing is: of one whose server only answers, and of one whose tool takes 5 ms. `prefix` tells settings
 * apart that are asked together.
 */
export function shares(transport: Setting['transport'], prefix = ''): Ratio[] {
  const bare = `${prefix}bare`;
  const cost = (round: Round) => round.of(`${prefix}${WHOLE}`) - round.of(bare);
  return [
    {
      name: `${prefix}the whole thing's share of a call`,
      of: (round) => cost(round) / round.of(bare),
      ...(transport === 'stdio' && { atMost: 0.3 }),
    },
    {
      name: `${prefix}the same of a call whose tool takes 5 ms`,
      of: (round) => cost(round) / (A_SHORT_TOOL + round.of(bare)),
      ...(transport !== 'memory' && { atMost: 0.03 }),
    },
  ];
}

/** What it costs that callers wait. */
export const BLOCKING_TO_BATCH: Ratio = {
  name: 'added by the whole thing, blocking to batch',
  of: (round) => added(round, BLOCKING) / added(round, WHOLE),
  atMost: 1.5,
};

/** How many calls are measured. */
interface Sizes {
  readonly quick: readonly [batches: number, calls: number];
  readonly full: readonly [batches: number, calls: number];
}
/** Which client is asked, in which way. */
export interface Setting {
  readonly line: 'v1' | 'v2';
  readonly transport: 'memory' | 'stdio' | 'http';
  readonly sizes: Sizes;
}

export const IN_MEMORY: Sizes = { quick: [3, 1_000], full: [8, 4_000] };
/**
 * Enough calls for the machine code to be made: after 4,000 calls over stdio a bare one takes twice what it takes after 40,000, and
 * what is added shrinks to a half.
 */
export const ON_THE_WIRE: Readonly<Record<'stdio' | 'http', Sizes>> = {
  stdio: { quick: [2, 200], full: [10, 4_000] },
  http: { quick: [2, 200], full: [8, 1_500] },
};

/** The least that each part of an audited call can cost; `children/floor.mjs` says what is done for it. */
const FLOORS = {
  'floor: a span': 'span',
  'floor: JSON.stringify of a record': 'line',
  'floor: a salt and two commitments': 'commitments',
  'floor: three hashes of a seal': 'seal',
  'floor: a line and its MAC written': 'writes',
};
type Floor = keyof typeof FLOORS;

/** A case for each floor. */
export const floors = (binary = node()): Case[] =>
  Object.entries(FLOORS).map(([name, part]) => ({
    name,
    measure: () => ({ 'µs a call': figureOf('floor.mjs', [part], binary) }),
  }));

/** What one case has beyond another, in terms of what a minimal program pays for the same. */
function beyond(part: string, case_: string, other: string, ...least: Floor[]): Ratio {
  return {
    name: `${part}, to its floor`,
    of: (round) =>
      (round.of(case_) - round.of(other)) / least.reduce((sum, floor) => sum + round.of(floor), 0),
  };
}

/** Where what is added goes: each part is what a case has beyond the one before it. */
export const PARTS: readonly Ratio[] = [
  beyond('wrappers and span', 'spans only', 'bare', 'floor: a span'),
  beyond(
    'record, redaction, commitments, line and batched write',
    'records in a file, batch',
    'spans only',
    'floor: JSON.stringify of a record',
    'floor: a salt and two commitments',
  ),
  beyond('seal', WHOLE, 'records in a file, batch', 'floor: three hashes of a seal'),
  beyond('writes that callers wait for', BLOCKING, WHOLE, 'floor: a line and its MAC written'),
];

/** Clients of version 1 of the SDK, with their server in the same process. */
export const MEMORY_V1: Setting = { line: 'v1', transport: 'memory', sizes: IN_MEMORY };

/** A case for each variant; where several settings are asked together, `prefix` tells them apart. */
export function cases(
  { line, transport, sizes }: Setting,
  variants: readonly string[],
  { quick }: Effort,
  binary = node(),
  prefix = '',
): Case[] {
  const [batches, calls] = quick ? sizes.quick : sizes.full;
  return variants.map((name) => ({
    name: `${prefix}${name}`,
    measure: () => ({ 'µs a call': figureOf('call.mjs', [name, line, transport, batches, calls], binary) }),
  }));
}
