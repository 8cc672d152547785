// How fast does the file sink write, beside pino writing the same records to the same file system?
// Run: npx tsx benchmarks/fileSink.ts [rounds]
// Each round runs every case once, so that a noisy machine is noisy for all; the table shows the best round of each, by the
// clock and, which other processes disturb less, by CPU time.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { createPipeline } from '../lib/pipeline/pipeline.js';
import type { PipelineOptions } from '../lib/pipeline/options.js';
import { FileSink } from '../lib/sinks/file.js';
import { draft } from '../spec/support/drafts.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const RECORDS = 50_000;
/** So many per turn of the event loop: nobody logs fifty thousand records without ever letting go of it. */
const BURST = 500;

interface Case {
  readonly name: string;
  run(path: string): Promise<void>;
}

const records = Array.from({ length: RECORDS }, (_, i) => {
  // In the order in which the library makes the fields.
  const { metadata, ...rest } = draft();
  const tool_arguments = { message: `hello ${i}`, n: i };
  return { ...rest, mcp: { method: 'tools/call', tool_name: 'echo', tool_arguments }, metadata };
});

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function inBursts(write: (index: number) => void): Promise<void> {
  for (let i = 0; i < RECORDS;) {
    for (const end = Math.min(RECORDS, i + BURST); i < end; i++) write(i);
    await nextTurn();
  }
}

function ours(name: string, options: Omit<PipelineOptions, 'sinks'>): Case {
  return {
    name,
    run: async (path) => {
      const pipeline = createPipeline({ sinks: [new FileSink(path)], maxQueue: RECORDS, ...options });
      let last: Promise<void> | undefined;
      await inBursts((i) => (last = pipeline.accept(records[i]!)));
      await last;
      await pipeline.shutdown();
    },
  };
}

function pinoCase(name: string, sync: boolean): Case {
  return {
    name,
    run: async (path) => {
      const destination = pino.destination({ dest: path, sync, minLength: sync ? 0 : 4096 });
      const logger = pino({ base: null, timestamp: false }, destination);
      await inBursts((i) => logger.info({ ...records[i]!, seq: i }));
      await new Promise<void>((resolve, reject) => {
        destination.once('close', resolve).once('error', reject);
        destination.end();
      });
    },
  };
}

const cases: Case[] = [
  ours('FileSink, batch', { mode: 'batch' }),
  ours('FileSink, blocking (nobody awaited but the last)', { mode: 'blocking' }),
  pinoCase('pino, sync: false, minLength: 4096', false),
  pinoCase('pino, sync: true (its default)', true),
];

const best = new Map<string, { ms: number; cpu: number; bytes: number }>();
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, run } of cases) {
    const folder = mkdtempSync(join(process.cwd(), '.bench-file-'));
    const path = join(folder, 'log.jsonl');
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    await run(path);
    const { user, system } = process.cpuUsage(cpuStart);
    const ms = performance.now() - start;
    const { size } = statSync(path);
    const known = best.get(name) ?? { ms: Infinity, cpu: Infinity };
    best.set(name, { ms: Math.min(ms, known.ms), cpu: Math.min(user + system, known.cpu), bytes: size });
    rmSync(folder, { recursive: true });
  }
}
console.table(
  [...best].map(([name, { ms, cpu, bytes }]) => ({
    case: name,
    'records/s': Math.round((RECORDS / ms) * 1000),
    'µs per record': Number(((ms / RECORDS) * 1000).toFixed(2)),
    'CPU µs per record': Number((cpu / RECORDS).toFixed(2)),
    'MB/s': Number((bytes / 1000 / ms).toFixed(1)),
    'bytes per record': Math.round(bytes / RECORDS),
  })),
);
