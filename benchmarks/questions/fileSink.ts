import { statSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { PipelineOptions } from '../../lib/pipeline/options.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { draft } from '../../spec/support/drafts.js';
import type { Figures, Question } from '../harness/question.js';
import { cpu, nextTurn, scratch } from '../tools/measure.js';

/** So many per turn of the event loop: nobody logs fifty thousand records without ever letting go of it. */
const BURST = 500;

const drafts = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    // In the order in which the library makes the fields.
    const { metadata, ...rest } = draft();
    const tool_arguments = { message: `hello ${i}`, n: i };
    return { ...rest, mcp: { method: 'tools/call', tool_name: 'echo', tool_arguments }, metadata };
  });

type Drafts = ReturnType<typeof drafts>;

async function inBursts(count: number, write: (index: number) => void): Promise<void> {
  for (let i = 0; i < count;) {
    for (const end = Math.min(count, i + BURST); i < end; i++) write(i);
    await nextTurn();
  }
}

const ours = (options: Omit<PipelineOptions, 'sinks'>) => async (records: Drafts, path: string) => {
  const pipeline = createPipeline({ sinks: [new FileSink(path)], maxQueueSize: records.length, ...options });
  let last: Promise<void> | undefined;
  await inBursts(records.length, (i) => (last = pipeline.accept(records[i]!)));
  await last;
  await pipeline.shutdown();
};

const pinoCase = (sync: boolean) => async (records: Drafts, path: string) => {
  const destination = pino.destination({ dest: path, sync, minLength: sync ? 0 : 4096 });
  const logger = pino({ base: null, timestamp: false }, destination);
  await inBursts(records.length, (i) => logger.info({ ...records[i]!, seq: i }));
  await new Promise<void>((resolve, reject) => {
    destination.once('close', resolve).once('error', reject);
    destination.end();
  });
};

const WAYS: Record<string, (records: Drafts, path: string) => Promise<void>> = {
  'FileSink, batch': ours({ mode: 'batch' }),
  'FileSink, blocking (only the last is awaited)': ours({ mode: 'blocking' }),
  'pino, sync: false, minLength: 4096': pinoCase(false),
  'pino, sync: true (its default)': pinoCase(true),
};

async function measure(records: Drafts, write: (typeof WAYS)[string]): Promise<Figures> {
  const folder = scratch(process.cwd());
  try {
    const path = join(folder.path, '.log.jsonl');
    const [start, used] = [performance.now(), cpu()];
    await write(records, path);
    const [micros, ms] = [cpu() - used, performance.now() - start];
    return {
      'records a second': (records.length / ms) * 1000,
      'CPU µs a record': micros / records.length,
      'bytes a record': statSync(path).size / records.length,
    };
  } finally {
    folder.remove();
  }
}

export const fileSink: Question = {
  name: 'file',
  asks: 'How fast does the file sink write, beside pino writing the same records to the same file system?',
  rounds: 7,
  quick: true,
  ratios: [
    {
      name: "FileSink, batch, to pino's default",
      of: (round) => round.of('FileSink, batch') / round.of('pino, sync: true (its default)'),
      atLeast: 1,
    },
  ],
  prepare: ({ quick }) => {
    const records = drafts(quick ? 10_000 : 50_000);
    return {
      cases: Object.entries(WAYS).map(([name, write]) => ({ name, measure: () => measure(records, write) })),
    };
  },
};
