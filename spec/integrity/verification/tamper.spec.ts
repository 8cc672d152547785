import { expect } from 'chai';
import { copyFileSync, cpSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ProblemKind } from '../../../lib/integrity/verification/verdict.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { verifyLogFile, type VerifyFileOptions } from '../../../lib/integrity/verification/verifyFile.js';
import { ORIGIN, recordLine, TestLog } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const SIZE = 4000;
const EVERY = 500;

const withLine = (lines: readonly string[], index: number, line: string) => [
  ...lines.slice(0, index),
  line,
  ...lines.slice(index),
];

describe('integrity: what is done to a log of thousands of records', () => {
  const original = temporaryFolder();
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let vkeys: string[];

  before(async () => {
    const made = await new TestLog(original.path).open();
    await (await made.appendSealed(SIZE / EVERY, EVERY)).close();
    vkeys = [made.key.vkey];
  });
  beforeEach(() => {
    folder = temporaryFolder();
    cpSync(original.path, folder.path, { recursive: true });
    log = new TestLog(folder.path);
  });
  afterEach(() => folder.remove());
  after(() => original.remove());

  const verify = (options: VerifyFileOptions = {}) => verifyLogFile(log.path, { vkeys, ...options });
  const offsetOf = (index: number) =>
    Buffer.byteLength(log.lines.slice(0, index).join('\n')) + (index === 0 ? 0 : 1);

  /** The one finding about the tree, whatever else was found about lines or their order. */
  async function finding(
    options: VerifyFileOptions = {},
  ): Promise<[ProblemKind, number | undefined, string]> {
    const report = await verify(options);
    expect(report.ok).to.equal(false);
    const [first] = report.problems.filter(({ kind }) => kind !== 'order' && kind !== 'foreign');
    if (first === undefined) expect.fail('nothing was found');
    return [first.kind, first.index, first.message];
  }

  it('nothing: it verifies', async () => {
    const report = await verify();
    expect(report).to.deep.include({
      ok: true,
      problems: [],
      warnings: [],
      size: SIZE,
      sealed: SIZE,
      origin: ORIGIN,
    });
  });

  for (const index of [0, 1, 1234, SIZE - 2, SIZE - 1]) {
    it(`[attack 37] an edit of record ${index} is named, with its byte offset`, async () => {
      const lines = log.lines;
      lines[index] = lines[index]?.replace('tools/call', 'tools/cull') ?? '';
      log.lines = lines;
      const report = await verify();
      expect(report.ok).to.equal(false);
      expect(report.problems).to.deep.equal([
        {
          kind: 'edited',
          message: `record ${index} was edited`,
          index,
          segment: log.path,
          offset: offsetOf(index),
        },
      ]);
    });

    it(`[attack 37] a deletion of record ${index} is named`, async () => {
      log.lines = log.lines.filter((_, i) => i !== index);
      const [kind, at] = await finding();
      expect([kind, at]).to.deep.equal([index === SIZE - 1 ? 'truncated' : 'deleted', index]);
      // Of a log that was cut off, the records that hold are those of the newest checkpoint that it still reaches.
      const { checkpoint, history } = integrityLayout(log.path);
      const row =
        index === SIZE - 1
          ? { what: 'records 0 to 3499', result: 'holds', by: `${history} of 3500 records` }
          : { what: `records 0 to ${SIZE - 2}`, result: 'fails', by: `${checkpoint} of ${SIZE} records` };
      expect((await verify()).checks[1]).to.deep.equal(row);
    });

    it(`[attack 37] a line inserted before record ${index} is named`, async () => {
      log.lines = withLine(log.lines, index, recordLine(7).toString());
      expect(await finding()).to.deep.equal([
        'inserted',
        index,
        `a line was inserted before record ${index}`,
      ]);
    });

    it(`[attack 37] a line repeated after record ${index} is named`, async () => {
      log.lines = withLine(log.lines, index, log.lines[index] ?? '');
      const [kind, at] = await finding();
      expect([kind, at]).to.deep.equal(index === SIZE - 1 ? ['unsealed', SIZE] : ['duplicated', index + 1]);
    });
  }

  it('[attack 37] several records deleted or edited are named', async () => {
    log.lines = log.lines.filter((_, i) => i < 1000 || i >= 1017);
    expect(await finding()).to.deep.equal(['deleted', 1000, 'records 1000 to 1016 were deleted']);
    log.lines = Array.from({ length: SIZE }, (_, i) =>
      recordLine(i === 30 || i === 31 ? 9999 : i).toString(),
    );
    expect(await finding()).to.deep.equal(['edited', 30, 'records 30 to 31 were edited']);
  });

  it('[attack 37] records exchanged are named', async () => {
    const lines = log.lines;
    [lines[2000], lines[2001]] = [lines[2001] ?? '', lines[2000] ?? ''];
    log.lines = lines;
    const [kind, index, message] = await finding();
    expect([kind, index]).to.deep.equal(['reordered', 2000]);
    expect(message).to.contain('record 2001 is in the place of record 2000');
    expect((await verify()).problems.map((problem) => problem.kind)).to.include('order');
  });

  it('[attack 37] a log cut off is named, at a line and in the middle of one', async () => {
    log.lines = log.lines.slice(0, 3210);
    expect((await finding()).slice(0, 2)).to.deep.equal(['truncated', 3210]);
    truncateSync(log.path, readFileSync(log.path).length - 1);
    const kinds = (await verify()).problems.map(({ kind, index }) => [kind, index]);
    expect(kinds).to.deep.include.members([
      ['torn', 3209],
      ['truncated', 3209],
    ]);
    expect((await verify({ live: true })).ok).to.equal(false);
    log.lines = [];
    expect((await finding()).slice(0, 2)).to.deep.equal(['truncated', 0]);
  });

  it('[attack 37] a line appended is named: nothing vouches for it', async () => {
    log.lines = [...log.lines, recordLine(SIZE).toString(), recordLine(SIZE + 1).toString()];
    expect(await finding()).to.deep.equal([
      'unsealed',
      SIZE,
      '2 lines follow the last record that the checkpoint covers; nothing vouches for them',
    ]);
    expect((await verify({ live: true })).ok).to.equal(true);
  });

  it('[attack 37] every kind of edit of the checkpoint is found', async () => {
    const { checkpoint } = integrityLayout(log.path);
    const note = readFileSync(checkpoint, 'utf8');
    for (const edited of [
      note.replace(`\n${SIZE}\n`, `\n${SIZE - EVERY}\n`),
      note.replace(ORIGIN, 'audit.example.com/others'),
      note.replace(/\n(.)/u, (_, letter: string) => `\n${letter === 'A' ? 'B' : 'A'}`),
      note.replace(/(.)\n$/u, 'A\n'),
      note.slice(0, 40),
      '',
      newKey(ORIGIN).vkey,
    ]) {
      writeFileSync(checkpoint, edited);
      expect((await finding())[0], edited).to.equal('checkpoint');
    }
  });

  it('[attack 37] a wrong key is found, also one of the same name', async () => {
    const [kind, , message] = await finding({ vkeys: [newKey(ORIGIN).vkey] });
    expect(kind).to.equal('checkpoint');
    expect(message).to.contain('not signed by a key that is trusted here');
  });

  it('[attack 37] a log that was made anew and signed with another key is found', async () => {
    rmSync(folder.path, { recursive: true });
    const forged = await new TestLog(folder.path).open();
    await (await forged.appendSealed(2, SIZE / 2)).close();
    expect((await finding())[0]).to.equal('checkpoint');
  });

  it('[attack 38] a rollback to an older log and checkpoint is found, given a newer checkpoint', async () => {
    const newer = join(folder.path, 'kept-elsewhere');
    copyFileSync(integrityLayout(log.path).checkpoint, newer);
    const { checkpoint, history, leaves } = integrityLayout(log.path);
    const older = readFileSync(history, 'utf8').split(/(?<=\n)(?=audit\.)/u)[6] ?? '';
    writeFileSync(checkpoint, older);
    writeFileSync(history, older);
    log.lines = log.lines.slice(0, 6 * EVERY);
    truncateSync(leaves, 6 * EVERY * 32);
    expect((await verify()).ok, 'without the newer one nothing is wrong').to.equal(true);
    const [kind, index, message] = await finding({ against: [newer] });
    expect([kind, index]).to.deep.equal(['truncated', 6 * EVERY]);
    expect(message).to.contain(`${newer} covers ${SIZE}: it was cut off, or rolled back`);
  });

  it('[attack 38] a rollback of the checkpoint alone is found by the history, or by what the anchor took', async () => {
    const { checkpoint, history, anchored } = integrityLayout(log.path);
    const newest = readFileSync(checkpoint, 'utf8');
    const older = readFileSync(history, 'utf8').split(/(?<=\n)(?=audit\.)/u)[6] ?? '';
    writeFileSync(checkpoint, older);
    log.lines = log.lines.slice(0, 6 * EVERY);
    expect((await finding())[0]).to.equal('truncated');
    writeFileSync(history, older);
    writeFileSync(anchored, newest);
    expect((await finding())[2]).to.contain(anchored);
  });

  it('[attack 37] without the stored hashes, the interval between two checkpoints is named', async () => {
    rmSync(integrityLayout(log.path).leaves);
    const lines = log.lines;
    lines[1234] = recordLine(1).toString();
    log.lines = lines;
    const [kind, index, message] = await finding();
    expect([kind, index]).to.deep.equal(['changed', 1000]);
    expect(message).to.contain('one of the records 1000 to 1499 was changed');
  });

  it('[attack 37] stored hashes that were changed along with the log are not believed', async () => {
    const { leaves } = integrityLayout(log.path);
    const lines = log.lines;
    lines[1234] = lines[1233] ?? '';
    log.lines = lines;
    const stored = readFileSync(leaves);
    stored.copy(stored, 1234 * 32, 1233 * 32, 1234 * 32);
    writeFileSync(leaves, stored);
    expect((await finding()).slice(0, 2)).to.deep.equal(['changed', 1000]);
  });

  it('stored hashes that are damaged say nothing against a log that is sound', async () => {
    const { leaves } = integrityLayout(log.path);
    writeFileSync(leaves, readFileSync(leaves).fill(0, 32 * 7, 32 * 8));
    const report = await verify();
    expect(report.ok).to.equal(true);
    expect(report.warnings).to.deep.equal(['the stored leaf hashes are damaged; the log itself is not']);
  });

  it('a line that is no record is named, and so is a seq that does not rise', async () => {
    const other = temporaryFolder();
    const strange = await new TestLog(other.path).open();
    const records = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => recordLine(from + index).toString());
    strange.write(...records(0, 5), 'Error: printed by somebody', ...records(5, 8), ...records(7, 10));
    await strange.close();
    const { problems } = await verifyLogFile(strange.path, { vkeys: [strange.key.vkey] });
    expect(problems.map(({ kind, index }) => [kind, index])).to.deep.equal([
      ['foreign', 5],
      ['order', 9],
    ]);
    expect((await verifyLogFile(strange.path, { vkeys: [strange.key.vkey], records: false })).ok).to.equal(
      true,
    );
    other.remove();
  });

  it('a hole in seq is told, and is no fault of the log', async () => {
    const other = temporaryFolder();
    const holed = await new TestLog(other.path).open();
    holed.append(3).write(recordLine(5).toString(), recordLine(9).toString());
    await holed.close();
    const report = await verifyLogFile(holed.path, { vkeys: [holed.key.vkey] });
    expect(report.ok).to.equal(true);
    expect(report.warnings.map((warning) => warning.split(':')[0])).to.deep.equal([
      'seq 3 to 4 are not in this log (before index 3)',
      'seq 6 to 8 are not in this log (before index 4)',
    ]);
    other.remove();
  });

  describe('in segments', () => {
    const path = (name: string) => join(folder.path, name);

    beforeEach(async () => {
      rmSync(folder.path, { recursive: true });
      log = await new TestLog(folder.path).open();
      for (const name of ['audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3']) {
        await log.appendSealed(2, EVERY);
        log.rotate(name);
      }
      await (await log.appendSealed(1, EVERY)).close();
      vkeys = [log.key.vkey];
      writeFileSync(path('audit.jsonl.1.gz'), gzipSync(readFileSync(path('audit.jsonl.1'))));
      rmSync(path('audit.jsonl.1'));
    });

    it('nothing: it verifies as one log, compressed or not', async () => {
      expect(await verify()).to.deep.include({ ok: true, size: 7 * EVERY, sealed: 7 * EVERY, warnings: [] });
    });

    it('[attack 37] two segments exchanged are found', async () => {
      renameSync(path('audit.jsonl.2'), path('aside'));
      renameSync(path('audit.jsonl.3'), path('audit.jsonl.2'));
      renameSync(path('aside'), path('audit.jsonl.3'));
      const [, index] = await finding();
      expect(index).to.equal(2 * EVERY);
    });

    it('[attack 37] a missing segment is named, and the others are still checked', async () => {
      rmSync(path('audit.jsonl.2'));
      expect((await verify()).problems).to.have.length(1);
      expect((await finding()).slice(0, 2)).to.deep.equal(['segment', 2 * EVERY]);
      const lines = log.lines;
      lines[3] = recordLine(1).toString();
      log.lines = lines;
      const kinds = (await verify()).problems.map(({ kind, index }) => [kind, index]);
      expect(kinds).to.deep.include.members([
        ['segment', 2 * EVERY],
        ['edited', 6 * EVERY + 3],
      ]);
    });

    it('[attack 37] an edit within a compressed segment is named by its place in the content', async () => {
      const lines = gunzipSync(readFileSync(path('audit.jsonl.1.gz')))
        .toString()
        .split('\n');
      const offset = Buffer.byteLength(lines.slice(0, 7).join('\n')) + 1;
      lines[7] = lines[7]?.replace('échö', 'echo') ?? '';
      writeFileSync(path('audit.jsonl.1.gz'), gzipSync(lines.join('\n')));
      const [problem] = (await verify()).problems;
      expect(problem).to.deep.include({
        kind: 'edited',
        index: 7,
        segment: path('audit.jsonl.1.gz'),
        offset,
      });
    });

    it('[attack 37] a segment that lost its last line feed is named', async () => {
      truncateSync(path('audit.jsonl.2'), readFileSync(path('audit.jsonl.2')).length - 1);
      const [problem] = (await verify()).problems;
      expect(problem).to.deep.include({ kind: 'torn', index: 4 * EVERY - 1, segment: path('audit.jsonl.2') });
    });
  });
});
