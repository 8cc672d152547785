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
