// Prints what failed, and last `N passed, N failed`, from what mocha's runs left behind; fails if any test did or none ran.
import { readFileSync } from 'node:fs';

const runs = readFileSync(process.argv[2], 'utf8')
  .trim()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const sum = (key) => runs.reduce((total, run) => total + run[key], 0);
const [passed, failed, skipped] = [sum('passes'), sum('failures'), sum('pending')];

for (const line of runs.flatMap((run) => run.retried ?? []))
  process.stdout.write(`  at the second try: ${line}\n`);
for (const title of runs.flatMap((run) => run.failed ?? [])) process.stdout.write(`  failed: ${title}\n`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
