// Reads the table of detectors: the run without redaction switches off every one of them, also those that are added later.
import { expect } from 'chai';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DETECTORS } from '../../lib/redaction/detectors/table.js';
import { runProgram, type Run } from './run.js';
import { LeakSearch, report, type Hit } from './search.js';

/** CANARY_SEED makes other secrets; the seed of a run that found something makes the same again. */
const SEED = Number(process.env['CANARY_SEED'] ?? 1);

const RUNS = [
  { mode: 'blocking', profile: 'documented', redaction: { replacement: 'mask' } },
  { mode: 'blocking-strict', profile: '0.2', redaction: { replacement: 'hmac' } },
  { mode: 'batch', profile: 'documented', redaction: { replacement: 'drop' } },
] as const;

/** What the program writes that has records, spans, metrics or log lines in it; files by the beginning of their names. */
const OUTPUTS = [
  ...['stdout', 'stderr', '/v1/traces', 'audit.jsonl', 'dead.jsonl', 'spool/', 'tools.json'],
  ...['/http-json', '/http-array', '/http-protobuf', '/http-protojson', '/http-ocsf', '/http-ocsf-1.8'],
  ...['/http-ecs', '/fieldnotes', '/otlp-logs-json', '/otlp-logs-proto'],
];

/** What is not captured, or never without redaction (addresses, command lines): so it says whether something has become so. */
const NOT_CAPTURED = [
  ...[
    'instructions',
    'JSON-RPC error data',
    'progress',
    'server log message',
    'environment',
    'request header',
  ],
  ...[
    'server URL',
    'server URL fragment',
    'dead URL',
    'subscribed URI',
    'unsubscribed URI',
    'www-authenticate',
  ],
  ...[
    'system prompt',
    'sampling message',
    'sampling metadata',
    'reason of an abort',
    'rejection that is no error',
  ],
  ...['transport error', 'error of an elicitation handler', 'error of own code', 'error of a sink'],
  ...['error of a sink, message', 'transport error, message'],
];

const seen = (hits: readonly Hit[], key: 'kind' | 'place') => new Set(hits.map((hit) => hit[key]));

/** How many of the places are in the error; all are in the folder. */
const SHOWN = 30;

/** Fails if anything was found. What was found, what was planted and all outputs stay in a folder, which the error names. */
function expectNone(hits: readonly Hit[], { planted, outputs }: Run): void {
  const [first, ...others] = report(hits);
  if (first === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-canaries-'));
  writeFileSync(join(folder, 'hits.json'), JSON.stringify(hits, null, 2));
  writeFileSync(join(folder, 'planted.json'), JSON.stringify(planted, null, 2));
  for (const { name, bytes } of outputs) writeFileSync(join(folder, name.replace(/[^\w.-]+/g, '_')), bytes);
  // The first line says what matters: of a test that passes at its second try, no more is reported.
  expect.fail(
    [`${hits.length} found, kept in ${folder}; first: ${first}`, ...others.slice(0, SHOWN)].join('\n'),
  );
}

describe(`[attack 15] canaries: secrets of every kind in every place (seed ${SEED})`, function () {
  this.timeout(300_000);

  for (const [index, options] of RUNS.entries())
    it(`are in no output (${options.mode}, ${options.redaction.replacement}, profile ${options.profile})${index === 0 ? '' : ' @slow'}`, async () => {
      const run = await runProgram({ ...options, seed: SEED });
      for (const name of OUTPUTS)
        expect(
          run.outputs.some((output) => output.name.startsWith(name) && output.bytes.length > 0),
          name,
        ).to.equal(true);
      expectNone(new LeakSearch(run.planted).hits(run.outputs), run);
    });

  describe('are found where nothing hides them:', () => {
    let run: Run;
    let hits: Hit[];

    before(async () => {
      const off = Object.fromEntries(DETECTORS.map(({ name }) => [name, false]));
      const redaction = { defaults: false, redactValues: off };
      run = await runProgram({ mode: 'batch', profile: 'documented', redaction, seed: SEED });
      hits = new LeakSearch(run.planted).hits(run.outputs);
    });

    it('in every output', () => {
      for (const name of OUTPUTS)
        expect(
          hits.some(({ output }) => output.startsWith(name)),
          name,
        ).to.equal(true);
    });

    it('of every kind, but for the options of sinks', () => {
      const kinds = seen(hits, 'kind');
      const unseen = new Set(run.planted.map(({ kind }) => kind).filter((kind) => !kinds.has(kind)));
      expect([...unseen]).to.deep.equal(['option']);
    });

    it('from every place, but for those that are not captured', () => {
      const places = seen(hits, 'place');
      const unseen = new Set(run.planted.filter(({ kind }) => kind !== 'option').map(({ place }) => place));
      for (const place of places) unseen.delete(place);
      // Of an error, its message is captured; its stack, its cause and its fields are not.
      const others = [...unseen].filter((place) => !/, (?:stack|cause)$/.test(place));
      expect(others.sort()).to.deep.equal(NOT_CAPTURED.sort());
    });
  });
});
