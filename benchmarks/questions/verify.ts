import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import { MerkleLog } from '../../lib/integrity/sealing/log.js';
import { resolveIntegrity } from '../../lib/integrity/sealing/options.js';
import { builtBinary } from '../../spec/support/builtCli.js';
import { numbered } from '../../spec/support/drafts.js';
import type { Question } from '../harness/question.js';
import { run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

const BATCH = 5000;

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

/** By processor time, the start of the command included. */
export const verify: Question = {
  name: 'verify',
  asks: 'How fast is `verify`, beside sha256sum of the same file, and does its memory grow with the log?',
  rounds: 3,
  quick: false,
  ratios: [
    {
      name: 'verify, to sha256sum, of 1 GB',
      of: (round) => round.of('verify, 1 GB') / round.of('sha256sum, 1 GB'),
      atLeast: 0.5,
    },
    { name: 'peak memory in MB, of 1 GB', of: (round) => round.of('verify, 1 GB', 'peak, MB'), atMost: 150 },
  ],
  prepare: async ({ quick }) => {
    const folders = [scratch(), scratch()];
    const large = quick ? 1e8 : 1e9;
    const logs = {
      '0.1 GB': await makeLog(folders[0]!.path, large / 10),
      '1 GB': await makeLog(folders[1]!.path, large),
    };
    return {
      cases: Object.entries(logs).flatMap(([size, log]) =>
        Object.entries({ sha256sum: `sha256sum ${log}`, verify: `node ${builtBinary()} verify ${log}` }).map(
          ([name, command]) => ({
            name: `${name}, ${size}`,
            measure: async () => {
              const { cpu, peak } = await run(`${command} > /dev/null`);
              return { 'MB a second': statSync(log).size / 1e6 / cpu, 'peak, MB': peak / 1e6 };
            },
          }),
        ),
      ),
      close: () => folders.forEach((folder) => folder.remove()),
    };
  },
};
