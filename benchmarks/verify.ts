// How fast is `verify`, against sha256sum of the same file in the same run? And how much memory does it take?
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeLine } from '../lib/codecs/json.js';
import { MerkleLog } from '../lib/integrity/log.js';
import { resolveIntegrity } from '../lib/integrity/options.js';
import { verifyLogFile } from '../lib/integrity/verifyFile.js';
import { numbered } from '../spec/support/drafts.js';

const BATCH = 5000;
const [mode = '', argument = ''] = process.argv.slice(2);
if (mode === '--verify') await verifyAlone(argument);
else await compare(Number(mode === '' ? 2 : mode));

async function verifyAlone(log: string): Promise<void> {
  const before = process.cpuUsage();
  const report = await verifyLogFile(log);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  if (!report.ok) throw new Error(report.problems[0]?.message);
  console.log(JSON.stringify({ seconds, records: report.size, peak: process.resourceUsage().maxRSS * 1024 }));
}

/** Seconds of processor time: on a busy machine the time of the clock tells of the others. */
function cpuOf(command: string, file: string): number {
  const timed = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$1" > /dev/null', command, file]);
  const [user = NaN, system = NaN] = timed.stderr.toString().trim().split(' ').map(Number);
  return user + system;
}

async function makeLog(folder: string, bytes: number): Promise<string> {
  const path = join(folder, 'audit.jsonl');
  const options = { origin: 'bench.example/log', key: { generate: join(folder, 'key.pem') } };
  const writer = { sync: async () => undefined, onError: (error: Error) => console.error(error) };
  const log = await MerkleLog.open(path, resolveIntegrity(options), writer);
  const file = openSync(path, 'a');
  const mcp = { method: 'tools/call', tool_name: 'search', tool_arguments: { query: 'x'.repeat(120) } };
  for (let seq = 0, written = 0; written < bytes; seq += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) =>
      Buffer.from(encodeLine(numbered(seq + i, { mcp }))),
    );
    written += writeSync(file, Buffer.from(`${lines.join('\n')}\n`));
    log.append(lines);
    await log.seal();
  }
  closeSync(file);
  await log.close();
  return path;
}

async function compare(gigabytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
  try {
    const log = await makeLog(folder, gigabytes * 1e9);
    const { size } = statSync(log);
    const rate = (seconds: number) => `${(size / 1e6 / seconds).toFixed(0).padStart(6)} MB/s`;
    const program = fileURLToPath(import.meta.url);
    console.log(`a log of ${(size / 1e9).toFixed(2)} GB; sha256sum and verify in turn, by processor time`);
    for (let round = 0; round < 3; round++) {
      const sha256sum = cpuOf('sha256sum', log);
      const output = execFileSync(process.execPath, ['--import', 'tsx', program, '--verify', log]).toString();
      const { seconds, records, peak } = JSON.parse(output) as Record<'seconds' | 'records' | 'peak', number>;
      console.log(
        `sha256sum ${rate(sha256sum)}   verify ${rate(seconds)}   ratio ${(sha256sum / seconds).toFixed(2)} (aim: 0.5)` +
          `   ${((seconds / records) * 1e6).toFixed(2)} µs a record   peak ${(peak / 1e6).toFixed(0)} MB (aim: 150)`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
