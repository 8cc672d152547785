// A process that audits: told by its first argument (JSON) what to write and how to end. Prints a line per acknowledged
// record, so that whoever kills it knows what must be on the log.
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { followProcess } from '../../../lib/pipeline/lifecycle.js';
import { createPipeline, type Pipeline } from '../../../lib/pipeline/pipeline.js';
import type { PipelineOptions } from '../../../lib/pipeline/options.js';
import { FileSink, type FileSinkOptions } from '../../../lib/sinks/file/fileSink.js';
import { draft } from '../drafts.js';

/** What such a process does. */
export interface WriterPlan {
  file: FileSinkOptions;
  pipeline?: Omit<PipelineOptions, 'sinks'>;
  records: number;
  /** Bytes of filling per record. */
  filling?: number;
  end:
    | 'signal'
    | 'process.exit'
    | 'uncaught exception'
    | 'unhandled rejection'
    | 'run empty'
    | 'write until killed'
    | 'worker ends'
    | 'worker exits'
    | 'own signal handler';
  follow?: boolean;
}

const say = (line: string) => void writeSync(1, `${line}\n`);

async function write(pipeline: Pipeline, count: number, filling: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const data = 'x'.repeat(filling);
    // Up to eight at once, so that a kill meets groups too.
    const calls = Array.from({ length: Math.min(8, count - i) }, () => pipeline.accept(draft({ data })));
    i += calls.length - 1;
    const results = await Promise.allSettled(calls);
    for (const result of results)
      say(
        result.status === 'fulfilled'
          ? 'ok'
          : `failed ${String(Reflect.get(result.reason as object, 'code'))}`,
      );
  }
}

async function run(plan: WriterPlan): Promise<void> {
  const pipeline = createPipeline({
    sinks: [new FileSink(plan.file)],
    onError: () => undefined,
    ...plan.pipeline,
  });
  if (plan.follow !== false) followProcess(pipeline);
  await write(pipeline, plan.records, plan.filling ?? 0);
  if (plan.end === 'process.exit' || plan.end === 'worker exits') process.exit(isMainThread ? 3 : 0);
  if (plan.end === 'uncaught exception')
    setTimeout(() => {
      throw new Error('uncaught');
    });
  if (plan.end === 'unhandled rejection') void Promise.reject(new Error('unhandled'));
  if (plan.end === 'own signal handler')
    process.on('SIGTERM', () => void pipeline.accept(draft()).then(() => process.exit(0)));
  if (plan.end === 'signal' || plan.end === 'own signal handler') setInterval(() => undefined, 1_000);
  say('ready');
}

const plan = (isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData) as WriterPlan;
if (isMainThread && plan.end.startsWith('worker')) {
  new Worker(new URL(import.meta.url), { workerData: plan });
} else {
  void run(plan);
}
