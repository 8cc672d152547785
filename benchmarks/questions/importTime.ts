import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Question, Ratio } from '../harness/question.js';
import { node } from '../tools/node.js';

const REQUIRE = "(await import('node:module')).createRequire(process.cwd() + '/x')";
const CASES: Readonly<Record<string, string>> = {
  'bare Node': '',
  '@opentelemetry/api': "await import('@opentelemetry/api')",
  '@opentelemetry/instrumentation': "await import('@opentelemetry/instrumentation')",
  'otel-mcp-log, ES module': "await import('otel-mcp-log')",
  'otel-mcp-log, CommonJS': `${REQUIRE}('otel-mcp-log')`,
};
const OURS = ['otel-mcp-log, ES module', 'otel-mcp-log, CommonJS'];
const cwd = fileURLToPath(new URL('../..', import.meta.url));

/** The fastest of several processes: what disturbs a start only ever adds. */
function milliseconds(code: string, processes: number): number {
  let fastest = Infinity;
  for (let i = 0; i < processes; i++) {
    const start = performance.now();
    execFileSync(node(), ['--input-type=module', '-e', code], { cwd });
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}

export const importTime: Question = {
  name: 'import',
  asks: 'What does importing the package cost a program, beside what it needs of OpenTelemetry anyway?',
  rounds: 7,
  quick: true,
  ratios: [
    ...OURS.map((name): Ratio => ({
      name: `${name}: ms over bare Node`,
      of: (round) => round.of(name) - round.of('bare Node'),
      atMost: 60,
    })),
    {
      name: 'otel-mcp-log, ES module, to @opentelemetry/instrumentation',
      of: (round) =>
        (round.of('otel-mcp-log, ES module') - round.of('bare Node')) /
        (round.of('@opentelemetry/instrumentation') - round.of('bare Node')),
    },
  ],
  prepare: ({ quick }) => ({
    cases: Object.entries(CASES).map(([name, code]) => ({
      name,
      measure: () => ({ 'ms a process': milliseconds(code, quick ? 1 : 4) }),
    })),
  }),
};
