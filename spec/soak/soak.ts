import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { growthIn, type Sample } from './judge.js';
import { plot } from './plot.js';
import { startFailingReceiver } from './receiver.js';

/** How long, how many, and where to. */
export interface SoakPlan {
  readonly folder: string;
  readonly seconds: number;
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

const script = fileURLToPath(new URL('children/application.mjs', import.meta.url));

/** Runs the application, samples it, and holds the logs and the receiver against what it says it did. */
export async function soak(plan: SoakPlan): Promise<SoakResult> {
  mkdirSync(plan.folder, { recursive: true });
  const receiver = await startFailingReceiver();
  try {
    const { samples, ended } = await run({ ...plan, endpoint: receiver.endpoint });
    const names = Object.keys(samples[0] ?? {}) as (keyof Sample)[];
    const rows = samples.map((sample) => names.map((name) => sample[name]).join(','));
    writeFileSync(join(plan.folder, 'samples.csv'), `${[names.join(','), ...rows].join('\n')}\n`);
    writeFileSync(join(plan.folder, 'samples.svg'), plot(samples));
    const faults = [...growthIn(samples)];
    if (ended.backlog > 0) faults.push(`${ended.backlog} bytes never reached the receiver`);
    for (const kind of ['instrumented', 'wrapped'] as const) {
      const ids = await idsIn(plan.folder, kind, faults);
      if (ids.size !== ended.done[kind])
        faults.push(`${kind}: ${ended.done[kind]} operations, ${ids.size} records`);
      if (kind === 'wrapped') continue;
      const missing = [...ids].filter((id) => !receiver.ids.has(id)).length;
      if (missing > 0) faults.push(`${missing} records of the log never reached the receiver`);
      if (receiver.ids.size !== ids.size)
        faults.push(`the receiver has ${receiver.ids.size} ids, the log ${ids.size}`);
    }
    return { operations: ended.done.instrumented + ended.done.wrapped, faults };
  } finally {
    receiver.close();
  }
}

async function run(plan: SoakPlan & { endpoint: string }): Promise<{ samples: Sample[]; ended: Ended }> {
  const env = { ...process.env, OTEL_MCP_LOG_QUIET: '1' };
  const args = ['--expose-gc', script, JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ending = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const lines: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
  const code = await ending;
  if (code !== 0) throw new Error(`the application ended with ${code}`);
  return { samples: lines.slice(0, -1) as Sample[], ended: lines.at(-1) as Ended };
}

/** The ids of a log, rotated and compressed parts included; a hole or a repetition in its numbers is a fault. */
async function idsIn(folder: string, kind: string, faults: string[]): Promise<Set<string>> {
  const own = new RegExp(`^${kind}\\.jsonl(?:\\.\\d+(?:\\.gz)?)?$`);
  const ids = new Set<string>();
  const seqs: number[] = [];
  for (const name of readdirSync(folder).filter((each) => own.test(each))) {
    const file = createReadStream(join(folder, name));
    const input = name.endsWith('.gz') ? file.pipe(createGunzip()) : file;
    for await (const line of createInterface({ input })) {
      const { record_id, seq } = JSON.parse(line) as { record_id: string; seq: number };
      ids.add(record_id);
      seqs.push(seq);
    }
  }
  seqs.sort((a, b) => a - b);
  if (seqs.some((seq, index) => seq !== index)) faults.push(`${kind}: the numbers have holes or repeat`);
  return ids;
}
