import { setTimeout as sleep } from 'node:timers/promises';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { draft } from '../../spec/support/drafts.js';
import type { Figures, Question } from '../harness/question.js';
import { nextTurn } from '../tools/measure.js';

const STEPS = 10;
const BURST = 2_000;
const mebibytes = (bytes: number): number => bytes / 2 ** 20;

/** Encodes what it gets, as a remote sink does, and takes a millisecond for each batch of 512. */
const slow = (): Sink => ({
  name: 'slow',
  emit: async (records) => {
    JSON.stringify(records);
    await sleep(1);
  },
});

/** Heap after a garbage collection, at every tenth of the way. */
async function flood(overflow: 'wait' | 'drop', records: number): Promise<Figures> {
  const pipeline = createPipeline({ sinks: [slow()], mode: 'batch', overflow, onError: () => undefined });
  const heap: number[] = [];
  let rss = 0;
  for (let step = 0; step < STEPS; step++) {
    for (let done = 0; done < records / STEPS; done += BURST) {
      await Promise.all(Array.from({ length: BURST }, () => pipeline.accept(draft())));
      if (overflow === 'drop') await nextTurn();
      rss = Math.max(rss, process.memoryUsage().rss);
    }
    globalThis.gc?.();
    heap.push(mebibytes(process.memoryUsage().heapUsed));
  }
  await pipeline.shutdown();
  const { accepted, sinks } = pipeline.stats();
  const { delivered = 0, dropped = 0 } = sinks[0] ?? {};
  if (delivered + dropped !== accepted) throw new Error('records are not accounted for');
  return {
    'heap, first tenth, MiB': heap[0]!,
    'heap, last tenth, MiB': heap.at(-1)!,
    'highest RSS, MiB': mebibytes(rss),
    delivered,
    'dropped and counted': dropped,
  };
}

export const memory: Question = {
  name: 'memory',
  asks: 'Does memory stay flat while records come faster than a sink can take them?',
  rounds: 1,
  quick: false,
  ratios: (['wait', 'drop'] as const).map((overflow) => ({
    name: `${overflow}: heap at the end, to the first tenth`,
    of: (round) => round.of(overflow, 'heap, last tenth, MiB') / round.of(overflow, 'heap, first tenth, MiB'),
    atMost: 1.1,
  })),
  prepare: ({ quick }) => ({
    cases: (['wait', 'drop'] as const).map((overflow) => ({
      name: overflow,
      measure: () => flood(overflow, quick ? 200_000 : 2_000_000),
    })),
  }),
};
