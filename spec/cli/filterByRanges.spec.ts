import { expect } from 'chai';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { encodeLine } from '../../lib/codecs/json.js';
import { openLogs } from '../../lib/cli/input/logs.js';
import { Problems } from '../../lib/cli/input/problems.js';
import { readRecords } from '../../lib/cli/input/records.js';
import { compileFilter, type FilterOptions } from '../../lib/cli/query/filter.js';
import { LossReport } from '../../lib/cli/query/losses.js';
import { ScanThreads } from '../../lib/cli/query/scanThreads.js';
import { readByThreads } from '../../lib/cli/query/select.js';
import { runCommand } from '../support/runCommand.js';
import { sampleLog } from '../support/sampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

// Ranges of a few bytes, which put every cut through a line, are not to be had on the command line.

const LINES = [
  ...sampleLog({ records: 60, gaps: true, hostile: true, seed: 5 }),
  ...sampleLog({ records: 20, process: 1, seed: 5 }),
].map((record) => encodeLine(record));

/** What may stand in a file in place of a line that is in order. */
const FORMS: Readonly<Record<string, (line: string) => string>> = {
  'as written': (line) => line,
  'with CR': (line) => `${line}\r`,
  'of many bytes a character': (line) => line.replace('"message":"', '"message":"日本語🦀é '),
  escaped: (line) => line.replace(/(?<=:")[a-z]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
  torn: (line) => line.slice(0, line.length >> 1),
  'two in one': (line) => line.slice(0, line.length >> 1) + line,
  twice: (line) => `${line}\n${line}`,
  'counted by another': (line) => line.replace(/\}$/, ',"log_id":"other","log_epoch":3}'),
  empty: () => '',
  'longer than a range': () => `{"record_id":"${'x'.repeat(9_000)}"}`,
};

const OPTIONS: readonly FilterOptions[] = [
  {},
  { tool: ['refund'] },
  { outcome: ['failure'], since: '2026-01-05T06:01Z' },
  { contains: ['invoice'] },
  { contains: ['日本'] },
  { gaps: true },
  { gaps: true, since: '2026-01-05T06:01Z', until: '2026-01-05T06:03Z' },
];

type Part = readonly (readonly [line: number, form: string])[];

const asWritten = fc.constant('as written');
const any = fc.array(
  fc.tuple(fc.nat(LINES.length - 1), fc.oneof(asWritten, fc.constantFrom(...Object.keys(FORMS)))),
  { maxLength: 40 },
);
/** Lines in their order, so that numbers follow one another. */
const inOrder = fc
  .tuple(fc.nat(LINES.length), fc.nat(LINES.length))
  .map(([a, b]): Part =>
    LINES.slice(Math.min(a, b), Math.max(a, b)).map((_, at) => [Math.min(a, b) + at, 'as written']),
  );
const part: fc.Arbitrary<Part> = fc.oneof(inOrder, any);
const logs = fc.record({ files: fc.tuple(part, part), hasMark: fc.boolean(), isEnded: fc.boolean() });

describe('query: a log that is read in ranges', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let number = 0;
  before(() => (folder = temporaryFolder()));
  after(() => folder.remove());

  /** A rotated file, and the one that is written to. */
  function write({
    files,
    hasMark,
    isEnded,
  }: {
    files: readonly Part[];
    hasMark: boolean;
    isEnded: boolean;
  }) {
    const log = join(folder.path, `${number++}.jsonl`);
    const [rotated = '', last = ''] = files.map((lines) =>
      lines.map(([line, form]) => `${FORMS[form]!(LINES[line]!)}\n`).join(''),
    );
    writeFileSync(`${log}.1`, `${hasMark ? '\ufeff' : ''}${rotated}`);
    writeFileSync(log, isEnded ? last : last.slice(0, -1));
    return log;
  }

  async function byRanges(log: string, options: FilterOptions, rangeBytes: number) {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const io = { stdin, stdout, stderr, env: {} };
    const err = text(stderr);
    const problems = new Problems(io);
    const inputs = await openLogs([log], io, problems);
    const filter = compileFilter(options);
    const losses = options.gaps === true ? new LossReport(io, false, inputs, filter) : undefined;
    const isUndecoded = filter.decidedByBytes && !filter.empty;
    const settings = {
      source: filter.source,
      isUndecoded,
      needsLines: true,
      needsOrder: losses !== undefined,
    };
    const threads = new ScanThreads(settings, undefined, rangeBytes);
    let out = '';
    const target = {
      take: () => expect.fail('whole lines are asked for'),
      found: () => undefined,
      progress: { advance: () => undefined, end: () => undefined },
      options: {
        problems,
        ...(losses && { losses }),
        takeLines: (data: Uint8Array) => void (out += Buffer.from(data).toString()),
      },
    };
    await readRecords(inputs, () => expect.fail('no file is read by this thread alone'), {
      problems,
      readFile: (input, file) => readByThreads(threads, input, file, target),
    });
    await threads.close();
    losses?.conclude([]);
    problems.conclude();
    const code = problems.exitCode(losses?.exitCode);
    stderr.end();
    return { code, out, err: await err };
  }

  it('finds a line that begins where a range does, and tells of a broken line before the hole that it hides', async () => {
    const written = (line: number) => [line, 'as written'] as const;
    const file = [written(0), written(5), [6, 'torn'], written(6), written(7)] as const;
    const log = write({ files: [[], file], hasMark: false, isEnded: true });
    const first = Buffer.byteLength(`${LINES[0]}\n`);
    for (const rangeBytes of [first, 100_000]) {
      const { err, ...found } = await byRanges(log, { gaps: true }, rangeBytes);
      expect({ err, ...found }).to.deep.equal(await runCommand(['query', '-f', 'jsonl', '--gaps', log]));
      expect(err.indexOf(':3 ')).to.be.within(0, err.indexOf(':2 ') - 1);
      expect((await byRanges(log, {}, rangeBytes)).out).to.include(LINES[5]);
    }
  });

  it('gives the answers of one that is read line by line, and says the same on stderr', async () => {
    await fc.assert(
      fc.asyncProperty(
        logs,
        fc.constantFrom(...OPTIONS),
        fc.integer({ min: 300, max: 5_000 }),
        async (given, options, rangeBytes) => {
          const log = write(given);
          const args = Object.entries(options).flatMap(([name, value]) =>
            value === true ? [`--${name}`] : [`--${name}`, ...[value].flat()],
          );
          const plain = await runCommand(['query', '-f', 'jsonl', ...(args as string[]), log]);
          expect(await byRanges(log, options, rangeBytes)).to.deep.equal(plain);
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
  });
});
