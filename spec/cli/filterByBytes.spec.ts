import { expect } from 'chai';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runCommand } from '../support/runCommand.js';
import { sampleLog } from '../support/sampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECORDS = [...sampleLog({ records: 400, gaps: true, seed: 3 })];

/** A line as this package writes it, as another program may write it, or damaged. What is damaged in its middle alone, only decoding shows. */
type Form = 'as written' | 'escaped' | 'spaced' | 'torn' | 'two in one' | 'not UTF-8';

interface Line {
  readonly record: AuditRecord;
  readonly form: Form;
}

const BROKEN: readonly Form[] = ['torn', 'two in one'];

function bytesOf({ record, form }: Line): Buffer {
  const text = encodeLine(record);
  switch (form) {
    case 'as written':
      return Buffer.from(text);
    case 'escaped':
      return Buffer.from(
        text.replace(/(?<=:")[a-z]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
      );
    case 'spaced':
      return Buffer.from(JSON.stringify(record, undefined, 1).replaceAll('\n', ' '));
    case 'torn':
      return Buffer.from(text.slice(0, text.length >> 1));
    case 'two in one':
      return Buffer.from(text.slice(0, text.length >> 1) + text);
    case 'not UTF-8':
      return Buffer.from(text.replace('"message":"', '"message":"\u00ff'), 'latin1');
  }
}

type Filter = readonly [options: readonly string[], holds: (record: AuditRecord) => boolean];

const holdsText = (text: string) => (record: AuditRecord) => encodeLine(record).includes(text);
const FILTERS: readonly Filter[] = [
  [['--tool', 'refund'], ({ mcp }) => mcp?.tool_name === 'refund'],
  [['--outcome', 'failure'], ({ outcome }) => outcome.startsWith('OUTCOME_FAILURE')],
  [
    ['--tool', 'read_*', '--actor', 'alice@example.com'],
    ({ mcp, actor_id }) => /^read_/.test(mcp?.tool_name ?? '') && actor_id === 'alice@example.com',
  ],
  [['--contains', 'invoice'], holdsText('invoice')],
  [['--contains', '0.json', '--contains', 'tools'], (r) => holdsText('0.json')(r) && holdsText('tools')(r)],
  [['--since', RECORDS[100]!.time, '--until', RECORDS[300]!.time], within(100, 300)],
  [
    ['--since', RECORDS[200]!.time, '--contains', 'read'],
    (r) => within(200, Infinity)(r) && holdsText('read')(r),
  ],
];

function within(since: number, until: number) {
  return ({ time }: AuditRecord) =>
    time >= RECORDS[since]!.time && (until === Infinity || time < RECORDS[until]!.time);
}

/** What a reader finds who decodes every line. */
function plain(lines: readonly Buffer[], holds: Filter[1]): Buffer[] {
  return lines.filter((line) => {
    try {
      return holds(JSON.parse(line.toString()) as AuditRecord);
    } catch {
      return false;
    }
  });
}

const forms = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Form>('as written') },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Form>('escaped', 'spaced', 'torn', 'two in one', 'not UTF-8'),
  },
);
const logs = fc
  .tuple(
    fc.shuffledSubarray(RECORDS, { minLength: 1, maxLength: 120 }),
    fc.array(forms, { minLength: 120, maxLength: 120 }),
  )
  .map(([records, given]) => records.map((record, index): Line => ({ record, form: given[index]! })));

/** What fails is shown as it is: to make each case smaller would take minutes. */
const RUNS = { numRuns: 30, endOnFailure: true };

describe('query: answers from the bytes of lines', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let number = 0;
  before(() => (folder = temporaryFolder()));
  after(() => folder.remove());

  /** Writes a log of a rotated and a compressed file, and the one that is written to, whose last line has no end. */
  function write(lines: readonly Buffer[], [first, second]: readonly [number, number]): string {
    const log = join(folder.path, `${number++}.jsonl`);
    const file = (part: readonly Buffer[], end: string) =>
      Buffer.concat([
        ...part.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line])),
        Buffer.from(end),
      ]);
    if (first > 0) writeFileSync(`${log}.2.gz`, gzipSync(file(lines.slice(0, first), '\n')));
    if (second > first) writeFileSync(`${log}.1`, file(lines.slice(first, second), '\n'));
    writeFileSync(log, file(lines.slice(second), ''));
    return log;
  }

  it('are those of a reader who decodes every line, however it is written, cut and damaged', async () => {
    await fc.assert(
      fc.asyncProperty(
        logs,
        fc.constantFrom(...FILTERS),
        fc.nat(119),
        fc.nat(119),
        async (written, [options, holds], a, b) => {
          const lines = written.map(bytesOf);
          const cuts = [a, b].map((cut) => Math.min(cut, lines.length - 1)).sort((x, y) => x - y);
          const log = write(lines, cuts as [number, number]);
          const expected = plain(lines, holds);
          const found = await runCommand(['query', ...options, '--json', log]);
          expect(found.out).to.equal(expected.map((line) => `${line.toString()}\n`).join(''));
          const counted = await runCommand(['query', ...options, '--count', log]);
          expect(counted.out).to.equal(`${expected.length}\n`);
        },
      ),
      RUNS,
    );
  });

  it('count every record of a log, and tell of every line that is none', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (written) => {
        const lines = written.map(bytesOf);
        const log = write(lines, [0, 0]);
        const broken = written.filter(({ form }) => BROKEN.includes(form)).length;
        const { out, code, err } = await runCommand(['query', '--count', '--json', log]);
        expect(JSON.parse(out)).to.deep.equal({ count: plain(lines, () => true).length });
        expect([code, broken > 0], err).to.deep.equal([broken > 0 ? 3 : 0, broken > 0]);
      }),
      RUNS,
    );
  });
});
