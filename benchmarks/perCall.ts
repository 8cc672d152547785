// What does auditing add to a callTool? Every variant in a child process of its own, in alternating rounds, so that a slow
// minute of the machine hits all of them. `npm run bench:per-call`, or with `-- --quick` for a first impression.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const VARIANTS = [
  'bare',
  'span',
  'peer',
  'ours: spans only',
  'ours: spans, records in memory',
  'ours: spans, records in a file',
  'ours: withLogging, no SDK, records in memory',
] as const;

const quick = process.argv.includes('--quick');
const rounds = quick ? 2 : 7;
const [batches, calls] = quick ? [4, 2_000] : [8, 4_000];
const child = fileURLToPath(new URL('./perCall/child.mjs', import.meta.url));

const samples = new Map<string, number[]>(VARIANTS.map((variant) => [variant, []]));
for (let round = 0; round < rounds; round++) {
  for (const variant of VARIANTS) {
    const output = execFileSync(process.execPath, [child, variant, String(batches), String(calls)], {
      encoding: 'utf8',
    });
    samples.get(variant)!.push((JSON.parse(output) as { microseconds: number }).microseconds);
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const medianOf = (variant: (typeof VARIANTS)[number]): number => median(samples.get(variant)!);
const bare = medianOf('bare');
const peerAdds = medianOf('peer') - bare;

console.log(
  `Node ${process.version}, ${rounds} rounds, µs per callTool over InMemoryTransport (median; spread)\n`,
);
console.log('| variant | µs | added | added / peer | spread |');
console.log('|---|---:|---:|---:|---:|');
for (const variant of VARIANTS) {
  const values = samples.get(variant)!;
  const added = medianOf(variant) - bare;
  const spread = `${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)}`;
  const ratio = variant === 'bare' ? '' : (added / peerAdds).toFixed(2);
  console.log(
    `| ${variant} | ${medianOf(variant).toFixed(1)} | ${added.toFixed(1)} | ${ratio} | ${spread} |`,
  );
}
