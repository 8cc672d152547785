import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { draft, numbered } from '../../spec/support/drafts.js';
import type { Question } from '../harness/question.js';
import { scratch } from '../tools/measure.js';

const record = draft();
const nothing: Sink = { name: 'nothing', emit: () => undefined };

async function accepting(sinks: Sink[], mode: 'blocking' | 'batch', records: number): Promise<number> {
  const pipeline = createPipeline({ sinks, mode, maxQueueSize: records });
  const start = performance.now();
  for (let i = 0; i < records; i++) await pipeline.accept(record);
  const ms = performance.now() - start;
  await pipeline.shutdown();
  return ms;
}

/** The least that a line in a file can cost. */
function bareWrite(path: string, records: number): number {
  const fd = openSync(path, 'a', 0o600);
  const start = performance.now();
  for (let i = 0; i < records; i++) writeSync(fd, `${encodeLine(numbered(i))}\n`);
  const ms = performance.now() - start;
  closeSync(fd);
  return ms;
}

const BARE = 'bare: encode and writeSync';
const WAYS: Record<string, (path: string, records: number) => Promise<number> | number> = {
  'blocking, a sink that does nothing': (_, records) => accepting([nothing], 'blocking', records),
  'blocking, three of those': (_, records) => accepting([nothing, nothing, nothing], 'blocking', records),
  'blocking, FileSink': (path, records) => accepting([new FileSink(path)], 'blocking', records),
  'batch, FileSink': (path, records) => accepting([new FileSink(path)], 'batch', records),
  [BARE]: bareWrite,
};

/** One call after the other, each awaited: where it hurts. */
export const acceptCost: Question = {
  name: 'accept',
  asks: 'What does it cost a caller to hand over one record and to wait until it is taken?',
  rounds: 7,
  quick: false,
  ratios: [
    { name: 'blocking, FileSink, to bare', of: (round) => round.of('blocking, FileSink') / round.of(BARE) },
  ],
  prepare: ({ quick }) => {
    const records = quick ? 5_000 : 20_000;
    return {
      cases: Object.entries(WAYS).map(([name, run]) => ({
        name,
        measure: async () => {
          const folder = scratch(process.cwd());
          try {
            return { 'µs a record': ((await run(join(folder.path, 'log.jsonl'), records)) / records) * 1000 };
          } finally {
            folder.remove();
          }
        },
      })),
    };
  },
};
