// What does a call cost when nobody samples it? Every case in a child process of its own, in alternating rounds, so that a slow
// minute of the machine hits all of them. `node --import tsx benchmarks/sampling.ts`, with `--quick` for a first impression.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CASES = ['sampler on', 'sampler off', 'no SDK'] as const;
/** No case is to cost more than this, in terms of the first. */
const AIM = 1.2;

const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 9;
const [batches, calls] = quick ? [4, 2_000] : [8, 4_000];
const child = fileURLToPath(new URL('./sampling/child.mjs', import.meta.url));

const samples = new Map<string, number[]>(CASES.map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const name of CASES) {
    const args = [child, name, String(batches), String(calls)];
    samples.get(name)!.push(Number(execFileSync(process.execPath, args, { encoding: 'utf8' })));
  }
}

// Noise only ever adds: the fastest of all batches is what each case costs by itself.
const fastest = (name: string): number => Math.min(...samples.get(name)!);
console.log(
  `Node ${process.version}, ${rounds} rounds, µs per callTool over InMemoryTransport (fastest; slowest)\n`,
);
console.log('| case | µs | to the first | slowest |');
console.log('|---|---:|---:|---:|');
for (const name of CASES) {
  const ratio = fastest(name) / fastest(CASES[0]);
  const verdict = ratio > AIM ? ` (above the aim of ${AIM})` : '';
  console.log(
    `| ${name} | ${fastest(name).toFixed(1)} | ${ratio.toFixed(2)}${verdict} | ${Math.max(...samples.get(name)!).toFixed(1)} |`,
  );
}
