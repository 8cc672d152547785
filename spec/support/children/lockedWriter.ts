// A process that opens a log and writes a record each time it is told to, by a file that appears. Says `open` or `refused`,
// and of each record its status, with the code of the error.
import { existsSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { SpoolSink } from '../../../lib/sinks/spool/spoolSink.js';
import type { Sink } from '../../../lib/sinks/sink.js';
import { numbered } from '../drafts.js';

/** What such a process does. */
export interface LockedWriterPlan {
  readonly path: string;
  /** A spool in this folder, in the place of a file. */
  readonly spool?: boolean;
  readonly staleLockMs?: number;
  /** The number of its first record. */
  readonly from: number;
  /** Named in the files that tell it what to do: `<path>.<name>.0` and so on for a record each, `<path>.<name>.end`. */
  readonly name: string;
  /** In a worker thread, which is terminated at the end. */
  readonly worker?: boolean;
}

const say = (line: string) => void writeSync(1, `${line}\n`);

function open({ path, staleLockMs, spool = false }: LockedWriterPlan): Sink | undefined {
  const limits = staleLockMs === undefined ? {} : { staleLockMs };
  try {
    if (spool)
      return new SpoolSink(
        { emit: () => ({ status: 'retryable', error: new Error('away') }) },
        { directory: path, onError: () => undefined, ...limits },
      );
    return new FileSink({ path, checkIntervalMs: 0, ...limits });
  } catch {
    return undefined;
  }
}

async function run(plan: LockedWriterPlan): Promise<void> {
  const sink = open(plan);
  say(sink === undefined ? 'refused' : 'open');
  if (sink === undefined) return;
  const told = (what: string | number) => existsSync(`${plan.path}.${plan.name}.${what}`);
  for (let done = 0; !told('end');) {
    if (told(done)) {
      const result = await sink.emit([numbered(plan.from + done++)]);
      const error =
        result !== undefined && 'error' in result ? ` ${String(Reflect.get(result.error, 'code'))}` : '';
      say(`${result?.status}${error}`);
    }
    await sleep(10);
  }
  await sink.close?.().catch(() => undefined);
}

const plan = (isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData) as LockedWriterPlan;
if (isMainThread && plan.worker === true) {
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  while (!existsSync(`${plan.path}.${plan.name}.terminate`)) await sleep(10);
  await worker.terminate();
  say('terminated');
  while (!existsSync(`${plan.path}.${plan.name}.end`)) await sleep(10);
} else await run(plan);
