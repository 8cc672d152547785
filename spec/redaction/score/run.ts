// npm run redaction:score [-- --seed N] [-- --write] [-- --all]: measures the default policy and each pack on generated samples,
// prints what was left or changed, and fails where one is below the target. `--write` writes the tables of docs/redaction.md anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { fillPage, packTable, scoreTable } from './page.js';
import { measure, measurePacks, TARGET } from './score.js';

const PAGE = new URL('../../../docs/redaction.md', import.meta.url);
const SHOWN = 10;
const args = process.argv.slice(2);
const seed = Number(args[args.indexOf('--seed') + 1] ?? 1) || 1;

const { packs, names } = measurePacks(seed);
const scores = [
  { name: 'the default policy', score: measure(seed) },
  ...packs.map(({ name, score }) => ({ name: `the pack ${name}`, score })),
];
for (const { name: what, score } of scores) {
  for (const { name, samples, wrong } of [...score.hidden, ...score.kept]) {
    process.stdout.write(`${name}: ${samples - wrong.length} of ${samples} right\n`);
    for (const { kind, value } of args.includes('--all') ? wrong : wrong.slice(0, SHOWN))
      process.stdout.write(`  wrong: ${kind}: ${JSON.stringify(value)}\n`);
  }
  process.stdout.write(
    `${what}: recall ${score.recall.toFixed(1)} %, harmless samples changed ${score.changed.toFixed(1)} %\n`,
  );
}
process.stdout.write(`names of people in prose, which no pack finds: recall ${names.recall.toFixed(1)} %\n`);
if (args.includes('--write')) {
  const page = await fillPage(readFileSync(PAGE, 'utf8'), {
    score: () => scoreTable(measure(1)),
    packs: () => packTable(measurePacks(1)),
  });
  writeFileSync(PAGE, page);
}
const isBelow = ({ score }: (typeof scores)[number]): boolean =>
  score.recall < TARGET.recall || score.changed > TARGET.changed;
process.exitCode = scores.some(isBelow) ? 1 : 0;
