// What does importing the package cost a program? Each entry in processes of its own, beside bare Node and the packages of
// OpenTelemetry that it needs anyway. `node --import tsx benchmarks/importTime.ts`, with `--modules` for what is loaded.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CASES: readonly [name: string, code: string][] = [
  ['bare Node', ''],
  ['@opentelemetry/api', "await import('@opentelemetry/api')"],
  ['@opentelemetry/instrumentation', "await import('@opentelemetry/instrumentation')"],
  ['otel-mcp-log (ESM)', "await import('otel-mcp-log')"],
  [
    'otel-mcp-log (CommonJS)',
    "const { createRequire } = await import('node:module'); createRequire(process.cwd() + '/x')('otel-mcp-log')",
  ],
];
/** Milliseconds over bare Node. */
const AIM = 60;
const rounds = 15;
const cwd = fileURLToPath(new URL('..', import.meta.url));

function milliseconds(code: string): number {
  const start = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd });
  return performance.now() - start;
}

if (process.argv.includes('--modules')) {
  const code = `
    const { createRequire } = await import('node:module');
    const require = createRequire(process.cwd() + '/x');
    require('otel-mcp-log');
    console.log(Object.keys(require.cache).map((file) => file.slice(process.cwd().length + 1)).join('\\n'));`;
  execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd, stdio: 'inherit' });
} else {
  const samples = new Map<string, number[]>(CASES.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, code] of CASES) samples.get(name)!.push(milliseconds(code));
  const fastest = (name: string): number => Math.min(...samples.get(name)!);
  const bare = fastest(CASES[0]![0]);
  console.log(`Node ${process.version}, ${rounds} rounds, ms of a process (fastest)\n`);
  console.log('| import | ms | over bare Node |');
  console.log('|---|---:|---:|');
  for (const [name] of CASES) {
    const over = fastest(name) - bare;
    const verdict = over > AIM ? ` (above the aim of ${AIM})` : '';
    console.log(`| ${name} | ${fastest(name).toFixed(1)} | ${over.toFixed(1)}${verdict} |`);
  }
}
