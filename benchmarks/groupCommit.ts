// What does group commit save? 64 callers at once, each of which waits until its record is on the disk, beside a write and an
// fdatasync for every record.
// Run: npx tsx benchmarks/groupCommit.ts [rounds]
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeLine } from '../lib/codecs/json.js';
import { createPipeline } from '../lib/pipeline/pipeline.js';
import { FileSink } from '../lib/sinks/file.js';
import { draft, numbered } from '../spec/support/drafts.js';

const ROUNDS = Number(process.argv[2] ?? 3);
const CALLERS = 64;
const EACH = 100;
const sync = promisify(fdatasync);

async function concurrently(write: () => Promise<void>): Promise<void> {
  const caller = async () => {
    for (let i = 0; i < EACH; i++) await write();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function grouped(path: string): Promise<void> {
  const pipeline = createPipeline({ sinks: [new FileSink(path)], acks: 'durable' });
  await concurrently(() => pipeline.accept(draft()));
  await pipeline.shutdown();
}

/** One after the other, as whoever writes and syncs each record by itself has to. */
async function oneByOne(path: string): Promise<void> {
  const fd = openSync(path, 'a', 0o600);
  let last = Promise.resolve();
  await concurrently(() => {
    last = last.then(() => {
      writeSync(fd, `${encodeLine(numbered(0))}\n`);
      return sync(fd);
    });
    return last;
  });
  closeSync(fd);
}

const best = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries({
    'FileSink, acks: durable': grouped,
    'write + fdatasync per record': oneByOne,
  })) {
    const folder = mkdtempSync(join(process.cwd(), '.bench-commit-'));
    const start = performance.now();
    await run(join(folder, 'log.jsonl'));
    best.set(name, Math.min(best.get(name) ?? Infinity, performance.now() - start));
    rmSync(folder, { recursive: true });
  }
}
const slowest = Math.max(...best.values());
console.table(
  [...best].map(([name, ms]) => ({
    case: name,
    'durable records/s': Math.round((CALLERS * EACH * 1000) / ms),
    times: Number((slowest / ms).toFixed(1)),
  })),
);
