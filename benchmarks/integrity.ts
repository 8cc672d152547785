// What does integrity add to a record? The file sink without it and with it, and one SHA-256 of the line, in one run.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLine } from '../lib/codecs/json.js';
import { leafHash } from '../lib/integrity/hash.js';
import { CompactRange } from '../lib/integrity/merkle.js';
import { FileSink } from '../lib/sinks/file.js';
import { numbered } from '../spec/support/drafts.js';

const RECORDS = Number(process.argv[2] ?? 100_000);
const ROUNDS = 5;
const record = (seq: number) =>
  numbered(seq, {
    mcp: { method: 'tools/call', tool_name: 'search', tool_arguments: { query: 'x'.repeat(120) } },
  });
const line = Buffer.from(encodeLine(record(1)));

/** Processor time in µs, that of the thread pool included: on a busy machine the time of the clock tells of the others. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function emitAll(integrity: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
  const options = { origin: 'bench.example/log', key: { generate: join(folder, 'key.pem') } };
  const sink = new FileSink({ path: join(folder, 'audit.jsonl'), ...(integrity && { integrity: options }) });
  await sink.emit([record(0)]);
  const records = Array.from({ length: RECORDS }, (_, i) => record(i + 1));
  const start = cpu();
  for (const one of records) {
    const result = sink.emit([one]);
    if (result instanceof Promise) await result;
    // As a client does, let the event loop turn: checkpoints are made in between, and count.
    if (one.seq % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const took = (cpu() - start) / RECORDS;
  await sink.close();
  rmSync(folder, { recursive: true });
  return took;
}

function perLine(work: () => void): number {
  const start = cpu();
  for (let i = 0; i < RECORDS; i++) work();
  return (cpu() - start) / RECORDS;
}

const tree = new CompactRange();
const measures: Record<string, number[]> = { sha256: [], tree: [], without: [], with: [] };
for (let round = 0; round < ROUNDS; round++) {
  measures['sha256']?.push(perLine(() => createHash('sha256').update(line).digest()));
  measures['tree']?.push(perLine(() => tree.append(leafHash(line))));
  measures['without']?.push(await emitAll(false));
  measures['with']?.push(await emitAll(true));
}
const median = (name: string) => [...(measures[name] ?? [])].sort((a, b) => a - b)[ROUNDS >> 1] ?? NaN;
const added = median('with') - median('without');
const rows = [
  [`one SHA-256 of the line (${line.length} bytes)`, median('sha256')],
  ['leaf hash and node hashes', median('tree')],
  ['FileSink without integrity', median('without')],
  ['FileSink with integrity', median('with')],
  ['added by integrity (aim: at most 8)', added],
] as const;
console.log(`µs of processor time per record, median of ${ROUNDS} rounds of ${RECORDS} records`);
for (const [name, value] of rows) console.log(`${name.padEnd(42)} ${value.toFixed(2).padStart(8)}`);
