// Does memory stay flat while records come faster than a sink can take them? Once with callers that wait for room, once with
// records that are dropped and counted. Heap after a garbage collection, at every tenth of the way.
// Run: npx tsx benchmarks/memory.ts [records]; 500,000 by default, 5,000,000 for the published table.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPipeline } from '../lib/pipeline/pipeline.js';
import type { Sink } from '../lib/sinks/sink.js';
import { draft } from '../spec/support/drafts.js';

const RECORDS = Number(process.argv[2] ?? 500_000);
const STEPS = 10;
const BURST = 2_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const megabytes = (bytes: number): number => Number((bytes / 2 ** 20).toFixed(1));

/** Encodes what it gets, as a remote sink does, and takes a millisecond for each batch of 512. */
const slow = (): Sink => ({
  name: 'slow',
  emit: async (records) => {
    JSON.stringify(records);
    await sleep(1);
  },
});

async function run(overflow: 'wait' | 'drop'): Promise<object> {
  const pipeline = createPipeline({
    sinks: [slow()],
    mode: 'batch',
    overflow,
    onError: () => undefined,
  });
  const heap: number[] = [];
  let rss = 0;
  for (let step = 0; step < STEPS; step++) {
    for (let done = 0; done < RECORDS / STEPS; done += BURST) {
      const calls = Array.from({ length: BURST }, () => pipeline.accept(draft()));
      await Promise.all(calls);
      if (overflow === 'drop') await new Promise((resolve) => setImmediate(resolve));
      rss = Math.max(rss, process.memoryUsage().rss);
    }
    collect();
    heap.push(megabytes(process.memoryUsage().heapUsed));
  }
  await pipeline.shutdown();
  const { accepted, sinks } = pipeline.stats();
  const { delivered = 0, dropped = 0 } = sinks[0] ?? {};
  if (delivered + dropped !== accepted) throw new Error('records are not accounted for');
  return {
    'full queue': overflow,
    records: accepted,
    delivered,
    dropped,
    'heap MiB, each tenth': heap.join(' '),
    'highest RSS MiB': megabytes(rss),
  };
}

console.table([await run('wait'), await run('drop')]);
