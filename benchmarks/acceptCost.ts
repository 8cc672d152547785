// What does it cost a caller to hand over one record? Measured where it hurts: one call after the other, each awaited.
// Run: npx tsx benchmarks/acceptCost.ts [rounds]
import { mkdtempSync, rmSync, writeSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../lib/codecs/json.js';
import { createPipeline } from '../lib/pipeline/pipeline.js';
import { FileSink } from '../lib/sinks/file.js';
import type { Sink } from '../lib/sinks/sink.js';
import { draft, numbered } from '../spec/support/drafts.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const RECORDS = 20_000;
const record = draft();
const nothing: Sink = { name: 'nothing', emit: () => undefined };

async function accepting(sinks: Sink[], mode: 'blocking' | 'batch'): Promise<number> {
  const pipeline = createPipeline({ sinks, mode, maxQueue: RECORDS });
  const start = performance.now();
  for (let i = 0; i < RECORDS; i++) await pipeline.accept(record);
  const ms = performance.now() - start;
  await pipeline.shutdown();
  return ms;
}

/** The least that a line in a file can cost. */
function bareWrite(path: string): number {
  const fd = openSync(path, 'a', 0o600);
  const start = performance.now();
  for (let i = 0; i < RECORDS; i++) writeSync(fd, `${encodeLine(numbered(i))}\n`);
  const ms = performance.now() - start;
  closeSync(fd);
  return ms;
}

const cases: Record<string, (path: string) => Promise<number> | number> = {
  'blocking, a sink that does nothing': () => accepting([nothing], 'blocking'),
  'blocking, three of those': () => accepting([nothing, nothing, nothing], 'blocking'),
  'blocking, FileSink': (path) => accepting([new FileSink(path)], 'blocking'),
  'batch, FileSink': (path) => accepting([new FileSink(path)], 'batch'),
  'bare: encode and writeSync': bareWrite,
};

const best = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(cases)) {
    const folder = mkdtempSync(join(process.cwd(), '.bench-accept-'));
    best.set(name, Math.min(best.get(name) ?? Infinity, await run(join(folder, 'log.jsonl'))));
    rmSync(folder, { recursive: true });
  }
}
console.table(
  [...best].map(([name, ms]) => ({
    case: name,
    'µs per record': Number(((ms / RECORDS) * 1000).toFixed(2)),
  })),
);
