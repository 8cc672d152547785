// How fast is `verify` (as built), against sha256sum of the same file in the same run? Does its memory grow with the log?
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeLine } from '../lib/codecs/json.js';
import { MerkleLog } from '../lib/integrity/log.js';
import { resolveIntegrity } from '../lib/integrity/options.js';
import { numbered } from '../spec/support/drafts.js';

const BATCH = 5000;
const GIGABYTES = Number(process.argv[2] ?? 2);
const ROUNDS = 3;
const verifyCommand = fileURLToPath(new URL('../dist/esm/cli/main.js', import.meta.url));
/** Loaded into the command's process, it tells what that took; its last line of stderr. */
const REPORT = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  console.error(JSON.stringify({ seconds: (userCPUTime + systemCPUTime) / 1e6, peak: maxRSS * 1024 }));
})`;

/** What `npx otel-mcp-log verify` takes, its start included: seconds of processor time, and bytes of memory at the most. */
function verified(log: string): { seconds: number; peak: number } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(REPORT)}`, verifyCommand, 'verify', log],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stdout + stderr);
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { seconds: number; peak: number };
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

function compare(log: string): void {
  const { size } = statSync(log);
  const rate = (seconds: number) => (size / 1e6 / seconds).toFixed(0);
  for (let round = 0; round < ROUNDS; round++) {
    const sha256sum = cpuOf('sha256sum', log);
    const { seconds, peak } = verified(log);
    const ratio = (sha256sum / seconds).toFixed(2);
    const cells = [(size / 1e9).toFixed(1), rate(sha256sum), rate(seconds), ratio, (peak / 1e6).toFixed(0)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

console.log('| log, GB | sha256sum, MB/s | verify, MB/s | ratio | peak memory, MB |');
console.log('| ------: | --------------: | -----------: | ----: | --------------: |');
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
try {
  for (const gigabytes of [GIGABYTES / 10, GIGABYTES]) {
    compare(await makeLog(folder, gigabytes * 1e9));
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }
} finally {
  rmSync(folder, { recursive: true });
}
