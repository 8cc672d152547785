import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { partsOf, readLog } from '../faults/lab/judge.js';
import { ChaoticReceiver, ofLines, WAYS, type Way } from '../support/chaoticReceiver.js';
import { growthIn, type Sample } from './judge.js';
import { plot } from './plot.js';

/** How long, how many, and where to. */
export interface SoakPlan {
  readonly folder: string;
  readonly seconds: number;
  /** It goes on for longer where so many operations are not done by then. Default: 0. */
  readonly operations?: number;
  readonly clients: number;
  readonly perSecond: number;
  readonly seed: number;
  /** Keeps every record, so that one can see that growth is noticed. */
  readonly leak?: boolean;
}

/** What a soak has come to. */
export interface SoakResult {
  readonly operations: number;
  /** What is wrong; empty where all holds. */
  readonly faults: readonly string[];
}

interface Ended {
  readonly done: { readonly instrumented: number; readonly wrapped: number };
  readonly backlog: number;
}

/** How long the receiver keeps to one of its ways. */
const EACH_MS = 2_500;

const script = fileURLToPath(new URL('children/application.mjs', import.meta.url));

/** What a log says of itself: `audit/start`, `audit/stop`, and the definition of each of the server's three tools. */
const OWN_RECORDS = 5;

/** Runs the application, samples it, and holds the logs and the receiver against what it says it did. */
export async function soak(plan: SoakPlan): Promise<SoakResult> {
  mkdirSync(plan.folder, { recursive: true });
  const receiver = new ChaoticReceiver(ofLines);
  await receiver.become('well');
  const auditing = new AbortController();
  const chaos = misbehave(receiver, auditing.signal);
  try {
    const { samples, ended } = await run({ ...plan, endpoint: receiver.url });
    const names = Object.keys(samples[0] ?? {}) as (keyof Sample)[];
    const rows = samples.map((sample) => names.map((name) => sample[name]).join(','));
    writeFileSync(join(plan.folder, 'samples.csv'), `${[names.join(','), ...rows].join('\n')}\n`);
    writeFileSync(join(plan.folder, 'samples.svg'), plot(samples));
    const faults = [...growthIn(samples)];
    if (ended.backlog > 0) faults.push(`${ended.backlog} bytes never reached the receiver`);
    for (const kind of ['instrumented', 'wrapped'] as const) {
      const ids = idsIn(plan.folder, kind, faults);
      if (ids.size !== ended.done[kind] + OWN_RECORDS)
        faults.push(`${kind}: ${ended.done[kind]} operations, ${ids.size - OWN_RECORDS} records of them`);
      if (kind === 'wrapped') continue;
      const missing = [...ids].filter((id) => !receiver.taken.has(id)).length;
      if (missing > 0) faults.push(`${missing} records of the log never reached the receiver`);
      if (receiver.taken.size !== ids.size)
        faults.push(`the receiver has ${receiver.taken.size} ids, the log ${ids.size}`);
      if (receiver.changed.length > 0)
        faults.push(`${receiver.changed.length} records came again, and changed`);
    }
    return { operations: ended.done.instrumented + ended.done.wrapped, faults };
  } finally {
    auditing.abort();
    await chaos;
    await receiver.close();
  }
}

async function run(plan: SoakPlan & { endpoint: string }): Promise<{ samples: Sample[]; ended: Ended }> {
  const env = { ...process.env, OTEL_MCP_LOG_QUIET: '1' };
  const args = ['--expose-gc', '--import', 'tsx', script, JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ending = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const lines: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
  const code = await ending;
  if (code !== 0) throw new Error(`the application ended with ${code}`);
  return { samples: lines.slice(0, -1) as Sample[], ended: lines.at(-1) as Ended };
}

/** The ids of a log, part by part; half a line, a hole or a repetition in its numbers is a fault. */
function idsIn(folder: string, kind: string, faults: string[]): Set<string> {
  const path = join(folder, `${kind}.jsonl`);
  const ids = new Set<string>();
  for (const part of partsOf(path)) {
    const { records, broken } = readLog(path, [part]);
    faults.push(...broken);
    for (const { record_id, seq } of records) {
      if (seq !== ids.size) faults.push(`${kind}: seq ${seq} stands at place ${ids.size}`);
      ids.add(record_id);
    }
  }
  return ids;
}

/** One failure after the other, each followed by a time in which all is well. */
async function misbehave(receiver: ChaoticReceiver, signal: AbortSignal): Promise<void> {
  const ways = WAYS.filter((way) => way !== 'well').flatMap((way): Way[] => ['well', way]);
  for (let turn = 0; !signal.aborted; turn++) {
    await receiver.become(ways[turn % ways.length] ?? 'well');
    await sleep(EACH_MS, undefined, { signal }).catch(() => undefined);
  }
  await receiver.become('well');
}
