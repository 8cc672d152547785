// npm run soak -- --minutes 180 [--clients 500] [--rate 500] [--seed 1] [--out FOLDER]
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '500' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const folder = values.out ?? mkdtempSync(join(tmpdir(), 'otel-mcp-log-soak-'));
const number = (name: 'minutes' | 'clients' | 'rate' | 'seed'): number => {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`--${name}: got '${values[name]}', expected a number above 0`);
  return value;
};
const { operations, faults } = await soak({
  folder,
  seconds: number('minutes') * 60,
  clients: number('clients'),
  perSecond: number('rate'),
  seed: number('seed'),
});
process.stdout.write(`${operations} operations; samples.csv and samples.svg are in ${folder}\n`);
if (faults.length === 0)
  process.stdout.write('each once on record, none missing at the receiver, no growth\n');
for (const fault of faults) process.stdout.write(`FAULT: ${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
