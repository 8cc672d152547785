import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IntegrityError } from '../../lib/errors.js';
import { openCheckpoint, splitNotes, type Checkpoint } from '../../lib/integrity/tlog/checkpoint.js';
import { leafHash, TileWriter } from '../../lib/integrity/tlog/merkle.js';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { exportTiles, findRecord, proveConsistency, proveRecord } from '../../lib/integrity/proving.js';
import { checkConsistencyProof, checkTlogProof } from '../../lib/integrity/tlog/tlogProof.js';
import { recordLine, TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const LINES = Array.from({ length: 30 }, (_, seq) => recordLine(seq));
const recordId = (seq: number) =>
  (JSON.parse(LINES[seq]?.toString() ?? '') as { record_id: string }).record_id;

describe('integrity: what a log can prove', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let checkpoints: Checkpoint[];
  const path = (name: string) => join(folder.path, name);
  const at = (size: number) => checkpoints.find((checkpoint) => checkpoint.size === size) ?? expect.fail();
  const refusal = async (attempt: Promise<unknown>) => {
    const error = await attempt.catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(IntegrityError);
    return (error as Error).message;
  };

  // Records 0 to 9 are in one file, 10 to 19 in another, the rest in the file being written.
  beforeEach(async () => {
    folder = temporaryFolder();
    log = await new TestLog(folder.path).open();
    for (const name of ['first', 'second']) (await log.appendSealed(2, 5)).rotate(name);
    await (await log.appendSealed(2, 5)).close();
    const history = readFileSync(integrityLayout(log.path).history, 'utf8');
    checkpoints = splitNotes(history).notes.map((note) => openCheckpoint(note, [log.key.verifier]));
    writeFileSync(path('first.gz'), gzipSync(readFileSync(path('first'))));
    rmSync(path('first'));
  });
  afterEach(() => folder.remove());

  const prove = async (index: number, checkpoint: Checkpoint, withRecord?: boolean) =>
    proveRecord(
      log.path,
      { index, line: LINES[index] ?? expect.fail() },
      checkpoint.note,
      [log.key.verifier],
      withRecord,
    );

  it('finds every record by its index and by its record_id, in whatever file it is', async () => {
    for (const [index, line] of LINES.entries()) {
      expect(await findRecord(log.path, { index })).to.deep.equal({ index, line });
      expect(await findRecord(log.path, { recordId: recordId(index) })).to.deep.equal({ index, line });
    }
  });

  it('finds records whose lines are read in pieces, also where no line end follows the last', async () => {
    // Lines of 0.3 and 2.5 MB, which the reader hands over in pieces of 1 MB, with the id before and after a boundary.
    const ids = Array.from({ length: 12 }, (_, index) => `id-${index}-end`);
    const lines = ids.map((id, index) => {
      const message = 'x'.repeat(index % 4 === 3 ? 2_500_000 : 300_000);
      return JSON.stringify(index % 2 === 0 ? { record_id: id, message } : { message, record_id: id });
    });
    const large = path('large.jsonl');
    for (const text of [lines.join('\n'), `${lines.join('\n')}\n`, `\n${lines.join('\n\n')}`]) {
      writeFileSync(large, text);
      const all = text.split('\n');
      for (const [index, recordId] of ids.entries()) {
        const found = await findRecord(large, { recordId });
        expect([found.index, found.line.toString() === lines[index]]).to.deep.equal([
          all.indexOf(lines[index] ?? ''),
          true,
        ]);
      }
      expect(await refusal(findRecord(large, { recordId: 'id-12-end' }))).to.contain('no record');
    }
  });

  it('finds the records that follow a missing file at their own index', async () => {
    rmSync(path('second'));
    expect(await findRecord(log.path, { index: 20 })).to.deep.equal({ index: 20, line: LINES[20] });
    expect((await findRecord(log.path, { recordId: recordId(29) })).index).to.equal(29);
    expect(await refusal(findRecord(log.path, { index: 10 }))).to.contain('no record with index 10');
  });

  it('counts on through files that no segment list names', async () => {
    rmSync(integrityLayout(log.path).folder, { recursive: true });
    writeFileSync(`${log.path}.1`, readFileSync(path('second')));
    expect(await findRecord(log.path, { index: 9 })).to.deep.equal({ index: 9, line: LINES[19] });
    expect(await findRecord(log.path, { index: 10 })).to.deep.equal({ index: 10, line: LINES[20] });
  });

  it('finds no record that is not there', async () => {
    expect(await refusal(findRecord(log.path, { index: 30 }))).to.contain('no record with index 30');
    expect(await refusal(findRecord(log.path, { recordId: recordId(3).slice(1) }))).to.contain(
      'no record with this record_id',
    );
    expect(await refusal(findRecord(path('none'), { index: 0 }))).to.contain('no record with index 0');
  });

  for (const [source, spoil] of [
    ['the stored hashes', () => undefined],
    ['the log where there are no stored hashes', () => rmSync(integrityLayout(log.path).leaves)],
    ['the log where hashes are lacking', () => truncateSync(integrityLayout(log.path).leaves, 29 * 32)],
    [
      'the log where the stored hashes are damaged',
      () => writeFileSync(integrityLayout(log.path).leaves, Buffer.alloc(30 * 32)),
    ],
    [
      'the stored hashes where the log is gone',
      () => ['first.gz', 'second'].forEach((name) => rmSync(path(name))),
    ],
  ] as const) {
    it(`proves records and extensions from ${source}`, async () => {
      spoil();
      for (const [index, size] of [
        [0, 5],
        [4, 5],
        [17, 20],
        [17, 30],
        [29, 30],
      ] as const) {
        const proof = await prove(index, at(size));
        expect(proof).to.include({ index, checkpoint: at(size).note });
        expect(checkTlogProof(proof, LINES[index] ?? expect.fail(), [log.key.verifier])).to.deep.equal(
          at(size),
        );
      }
      for (const [older, newer] of [
        [0, 30],
        [5, 30],
        [15, 20],
        [30, 30],
      ] as const) {
        const proof = await proveConsistency(log.path, at(older), at(newer));
        expect(checkConsistencyProof(proof, at(older), [log.key.verifier])).to.deep.equal(at(newer));
      }
    });
  }

  it('puts the record into its proof when asked to, and not otherwise', async () => {
    expect((await prove(7, at(10), true)).extra).to.deep.equal(LINES[7]);
    expect(await prove(7, at(10), false)).to.not.have.property('extra');
    expect(await prove(7, at(10))).to.not.have.property('extra');
  });

  it('proves nothing beyond a checkpoint, of another record, or backwards', async () => {
    expect(await refusal(prove(10, at(10)))).to.contain('covers 10 records, not the record at index 10');
    const other = { index: 7, line: recordLine(8) };
    expect(await refusal(proveRecord(log.path, other, at(10).note, [log.key.verifier]))).to.contain(
      'does not lead',
    );
    expect(await refusal(proveConsistency(log.path, at(10), at(5)))).to.contain('is older than the first');
  });

  it('proves nothing when neither hashes nor log lead to the checkpoint', async () => {
    rmSync(integrityLayout(log.path).leaves);
    rmSync(path('second'));
    expect(await refusal(prove(25, at(30)))).to.contain('does not lead to its checkpoint of 30 records');
    expect((await prove(5, at(10))).index, 'up to there nothing is missing').to.equal(5);
    log.lines = log.lines.slice(0, 4);
    expect(await refusal(proveConsistency(log.path, at(5), at(30)))).to.contain('does not lead');
  });

  const written = (directory: string) =>
    new Map(
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => [file.slice(directory.length + 1), readFileSync(file)]),
    );

  for (const size of [20, 30]) {
    it(`writes tiles of the first ${size} of 30 records, with the checkpoint of them`, async () => {
      const tiles = new TileWriter();
      for (const line of LINES.slice(0, size)) tiles.add(line, leafHash(line));
      const files = tiles.finish().map(({ path: name, data }) => [name, data] as const);
      const expected = new Map([...files, ['checkpoint', Buffer.from(at(size).note)]]);
      const count = await exportTiles(log.path, path('tiles'), at(size).note, [log.key.verifier]);
      expect(written(path('tiles'))).to.deep.equal(expected);
      expect(count).to.equal(expected.size);
    });
  }

  it('writes full tiles as soon as they are full', async () => {
    await log.open();
    await log.append(256).close();
    const note = readFileSync(integrityLayout(log.path).checkpoint, 'utf8');
    expect(await exportTiles(log.path, path('tiles'), note, [log.key.verifier])).to.equal(6);
    expect([...written(path('tiles')).keys()].sort()).to.deep.equal([
      'checkpoint',
      'tile/0/000',
      'tile/0/001.p/30',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/30',
    ]);
  });

  it('writes no checkpoint over tiles of a log that does not lead to it', async () => {
    const attempt = () => refusal(exportTiles(log.path, path('tiles'), at(30).note, [log.key.verifier]));
    const lines = log.lines;
    log.lines = lines.slice(0, -1);
    expect(await attempt(), 'a record less').to.contain('does not lead to its checkpoint of 30 records');
    log.lines = [...lines.slice(0, -1), recordLine(31).toString()];
    expect(await attempt(), 'another record').to.contain('does not lead to its checkpoint of 30 records');
    log.lines = lines;
    rmSync(path('second'));
    expect(await attempt()).to.contain(`${path('second')} is missing`);
    expect(existsSync(path('tiles/checkpoint'))).to.equal(false);
  });
});
