// What redaction costs: a typical call beside JSON.stringify and the redactors with fixed paths, and the bound of a 50 MB text.
// Run with: npm run bench:redaction
import slowRedact from '@pinojs/redact';
import fastRedact from 'fast-redact';
import { createRedactor } from '../lib/redaction/createRedactor.js';

const clean = {
  query: 'quarterly revenue by region',
  limit: 25,
  region: 'emea',
  options: { format: 'csv', locale: 'en-GB', page: { size: 50, cursor: 'start' } },
  user: { id: 'u-1029', team: 'finance' },
  dryRun: false,
};
const secret = {
  ...clean,
  user: { ...clean.user, password: 'hunter2222' },
  options: { ...clean.options, apiKey: 'k' },
};
const paths = ['user.password', 'options.apiKey'];

const redactor = createRedactor();
const fast = fastRedact({ paths });
const pino = slowRedact({ paths });

const contenders: Record<string, (value: object) => unknown> = {
  'JSON.stringify alone': (value) => JSON.stringify(value),
  'otel-mcp-log, value only': (value) => redactor.value(value),
  'otel-mcp-log, value and JSON.stringify': (value) => JSON.stringify(redactor.value(value)),
  'fast-redact, two fixed paths, with its JSON.stringify': (value) => fast(value),
  '@pinojs/redact, two fixed paths, with its JSON.stringify': (value) => pino(value),
};

/** Processor time in ms: on a busy machine the time of the clock tells of the others. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** Nanoseconds for one call: the least of several rounds, since what disturbs only ever adds. */
function nanoseconds(run: (value: object) => unknown, value: object): number {
  let best = Infinity;
  for (let round = 0; round < 12; round++) {
    const calls = 50_000;
    const start = cpu();
    for (let call = 0; call < calls; call++) run(value);
    best = Math.min(best, ((cpu() - start) * 1e6) / calls);
  }
  return Math.round(best);
}

function typicalCall(): void {
  const base = {
    clean: nanoseconds((value) => JSON.stringify(value), clean),
    secret: nanoseconds((value) => JSON.stringify(value), secret),
  };
  const rows = Object.entries(contenders).map(([name, run]) => {
    const ns = { clean: nanoseconds(run, clean), secret: nanoseconds(run, secret) };
    return [
      name,
      ns.clean,
      (ns.clean / base.clean).toFixed(2),
      ns.secret,
      (ns.secret / base.secret).toFixed(2),
    ];
  });
  print(
    ['typical call (10 keys, depth 3)', 'clean, ns', '× stringify', 'two secrets, ns', '× stringify'],
    rows,
  );
}

function largeText(): void {
  const texts: Record<string, string> = {
    'one letter': 'a'.repeat(50_000_000),
    prose: 'lorem ipsum dolor sit amet '.repeat(50_000_000 / 27),
    'JSON text': JSON.stringify(
      Array.from({ length: 550_000 }, (_, id) => ({
        id,
        name: `user ${id}`,
        url: `https://example.com/users/${id}`,
      })),
    ),
    'Base64 of random bytes': Buffer.from(
      Array.from({ length: 37_500_000 }, (_, index) => (index * 2_654_435_761) >>> 24),
    ).toString('base64'),
  };
  const rows = Object.entries(texts).map(([name, text]) => {
    const heap = process.memoryUsage().heapUsed;
    const start = cpu();
    redactor.value({ text });
    const took = cpu() - start;
    const grown = (process.memoryUsage().heapUsed - heap) / 1e6;
    return [
      name,
      (text.length / 1e6).toFixed(0),
      took.toFixed(0),
      ((took * 1e6) / text.length).toFixed(1),
      grown.toFixed(0),
    ];
  });
  print(['50 MB string', 'MB', 'ms', 'ms per MB', 'heap grown, MB'], rows);
}

function print(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  console.log(`${lines.join('\n')}\n`);
}

typicalCall();
largeText();
