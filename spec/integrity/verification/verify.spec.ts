import { expect } from 'chai';
import { IntegrityError } from '../../../lib/errors.js';
import { formatTreeHead } from '../../../lib/integrity/tlog/checkpoint.js';
import { hashToBase64, leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { resolveSigner } from '../../../lib/integrity/sealing/keys.js';
import { type LogChunk } from '../../../lib/integrity/storage/segments.js';
import {
  verifyLog,
  type CheckpointInput,
  type MissingSegment,
  type VerifyOptions,
} from '../../../lib/integrity/verification/verify.js';
import { ORIGIN, recordLine } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';

const key = newKey(ORIGIN);
const LINES = Array.from({ length: 20 }, (_, seq) => recordLine(seq).toString());
const rootOf = (lines: readonly string[]) => {
  const tree = new CompactRange();
  for (const line of lines) tree.append(leafHash(Buffer.from(line)));
  return tree.root();
};
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const withLine = (lines: readonly string[], index: number, line: string) =>
  lines.map((old, i) => (i === index ? line : old));
const offsetOf = (index: number) => Buffer.byteLength(textOf(LINES.slice(0, index)));

/** The signed checkpoint of lines, called by its size. */
async function sealed(size: number, lines = LINES, name = `checkpoint ${size}`): Promise<CheckpointInput> {
  const head = { origin: ORIGIN, size, root: rootOf(lines.slice(0, size)) };
  return {
    note: await resolveSigner('integrity', ORIGIN, { pem: key.pem }).sign(formatTreeHead(head)),
    name,
  };
}

/** Bytes as a stream hands them out, each piece somewhere within a larger buffer. */
async function* pieces(text: string, size = Infinity): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(`--${text}--`);
  for (let at = 2; at < whole.length - 2; at += size)
    yield new Uint8Array(whole.buffer, whole.byteOffset + at, Math.min(size, whole.length - 2 - at));
}

async function* parts(...all: (LogChunk | MissingSegment)[]): AsyncGenerator<LogChunk | MissingSegment> {
  yield* all;
}

const segmentOf = (lines: readonly string[], segment: string): LogChunk => ({
  data: Buffer.from(textOf(lines)),
  segment,
  offset: 0,
});

async function* stored(lines: readonly string[]): AsyncGenerator<string[]> {
  for (const line of lines) yield [leafHash(Buffer.from(line))];
}

describe('integrity: a stream held against checkpoints', () => {
  const verify = async (
    source: string | AsyncIterable<Uint8Array | LogChunk | MissingSegment>,
    options: Partial<VerifyOptions> = {},
  ) =>
    verifyLog(typeof source === 'string' ? pieces(source) : source, {
      verifiers: [key.verifier],
      checkpoint: await sealed(20),
      ...options,
    });
  /** Kind, index and offset of each problem. */
  const found = async (...args: Parameters<typeof verify>) =>
    (await verify(...args)).problems.map(({ kind, index, offset }) => [kind, index, offset]);

  it('is sound when it leads to all of them, in whatever pieces it comes', async () => {
    const others = [await sealed(13), await sealed(0), await sealed(20), await sealed(7)];
    expect((await verify(textOf(LINES), { trust: 'beside' })).status).to.equal('unconfirmed');
    for (const size of [1, 7, 100, 1000, Infinity]) {
      const report = await verify(pieces(textOf(LINES), size), { others, leaves: () => stored(LINES) });
      expect(report.checks.map(({ result }) => result)).to.deep.equal([
        'holds',
        'holds',
        'not checked',
        'holds',
        'not checked',
      ]);
      expect(report).to.deep.include({
        ok: true,
        status: 'intact',
        origin: ORIGIN,
        size: 20,
        sealed: 20,
        root: hashToBase64(rootOf(LINES)),
        problems: [],
        warnings: [],
      });
    }
  });

  it('has its faults named by their place in the stream', async () => {
    const edited = withLine(LINES, 9, 'Error: printed by somebody');
    for (const size of [1, 100, 1000, Infinity]) {
      const { problems } = await verify(pieces(textOf(edited), size), { leaves: () => stored(LINES) });
      expect(problems.map(({ kind, ...place }) => [kind, place])).to.deep.equal(
        problems.map(({ kind, message }) => [
          kind,
          { message, index: 9, segment: 'the log', offset: offsetOf(9) },
        ]),
      );
      expect(problems.map(({ kind }) => kind)).to.deep.equal(['foreign', 'edited']);
    }
  });

  it('is held against a checkpoint of every size, and the first that it does not lead to is told', async () => {
    const others = [await sealed(8), await sealed(12), await sealed(0), await sealed(9)];
    const report = async (index: number) => {
      const text = textOf(withLine(LINES, index, recordLine(index).toString().replace('call', 'cull')));
      const { ok, problems } = await verify(text, { others });
      expect(ok).to.equal(false);
      return problems.map((problem) => [problem.kind, problem.index, problem.offset, problem.message]);
    };
    for (const [edited, good, range, bad] of [
      [0, 0, 'one of the records 0 to 7 ', 8],
      [8, 8, 'record 8 ', 9],
      [10, 9, 'one of the records 9 to 11 ', 12],
      [19, 12, 'one of the records 12 to 19 ', 20],
    ] as const) {
      const [[kind, index, offset, message] = [], ...more] = await report(edited);
      expect([kind, index, offset, more]).to.deep.equal(['changed', good, offsetOf(good), []]);
      expect(message)
        .to.match(new RegExp(`^${range}`))
        .and.to.contain(`checkpoint ${bad}`);
    }
  });

  it('may be longer than an older checkpoint, not than its own, but while it is written', async () => {
    const checkpoint = await sealed(18);
    expect(await verify(textOf(LINES), { checkpoint, live: true })).to.include({ ok: true, sealed: 18 });
    const { problems, ...report } = await verify(textOf(LINES), { checkpoint });
    expect(report).to.include({ ok: false, size: 20, sealed: 18 });
    expect(problems.map(({ kind, index, offset }) => [kind, index, offset])).to.deep.equal([
      ['unsealed', 18, offsetOf(18)],
    ]);
    expect(problems[0]?.message).to.match(/^2 lines follow /);
    const [one] = (await verify(textOf(LINES.slice(0, 19)), { checkpoint })).problems;
    expect(one?.message).to.match(/^a line follows .* it$/);
  });

  it('is shorter than a checkpoint says: the one that covers most is named', async () => {
    const checkpoint = await sealed(12);
    const others = [await sealed(15), await sealed(20)];
    const { problems, ...report } = await verify(textOf(LINES.slice(0, 10)), { checkpoint, others });
    expect(report).to.include({ ok: false, size: 10, sealed: 10 });
    expect(problems.map(({ kind, index, offset }) => [kind, index, offset])).to.deep.equal([
      ['truncated', 10, offsetOf(10)],
    ]);
    expect(problems[0]?.message).to.contain('ends after 10 records').and.contain('checkpoint 20 covers 20');
  });

  it('is changed as well as cut off', async () => {
    const others = [await sealed(5), await sealed(0)];
    const edited = recordLine(3).toString().replace('call', 'cull');
    const text = textOf(withLine(LINES, 3, edited).slice(0, 10));
    expect(await found(text, { others })).to.deep.equal([
      ['changed', 0, 0],
      ['truncated', 10, offsetOf(10)],
    ]);
  });

  it('may end in the middle of a line while it is written, and not otherwise', async () => {
    const text = `${textOf(LINES)}{"record_id":"to`;
    expect(await verify(text, { live: true })).to.include({ ok: true, size: 20 });
    const { problems } = await verify(text);
    expect(problems.map(({ kind, index, offset }) => [kind, index, offset])).to.deep.equal([
      ['torn', 20, offsetOf(20)],
    ]);
    expect(problems[0]?.message).to.contain('line 20 ');
  });

  it('has no torn line but the last, also while it is written', async () => {
    const first = {
      ...segmentOf(LINES.slice(0, 9), 'a'),
      data: Buffer.from(textOf(LINES.slice(0, 9)).slice(0, -1)),
    };
    const source = () => parts(first, segmentOf(LINES.slice(9), 'b'));
    for (const live of [true, false]) {
      const { problems, size } = await verify(source(), { live });
      expect(size).to.equal(20);
      expect(
        problems.map(({ kind, index, segment, offset }) => [kind, index, segment, offset]),
      ).to.deep.equal([['torn', 8, 'a', offsetOf(8)]]);
    }
  });

  it('has the first line named that is no record, and the first that is out of order', async () => {
    const lines = [...LINES];
    lines[4] = lines[5] = 'no record';
    lines[10] = lines[12] = LINES[2] ?? '';
    const checkpoint = await sealed(20, lines);
    expect(await found(textOf(lines), { checkpoint })).to.deep.equal([
      ['foreign', 4, offsetOf(4)],
      ['order', 10, Buffer.byteLength(textOf(lines.slice(0, 10)))],
    ]);
    const { problems } = await verify(textOf(lines), { checkpoint });
    expect(problems.map(({ message }) => message).join()).to.match(/line 4 .*index 10 has seq 2/);
    expect(await found(textOf(lines), { checkpoint, records: false })).to.deep.equal([]);
  });

  it('with holes in seq gives a warning', async () => {
    const lines = LINES.filter((_, seq) => seq !== 6);
    const { ok, warnings } = await verify(textOf(lines), { checkpoint: await sealed(19, lines) });
    expect([ok, warnings.length]).to.deep.equal([true, 1]);
    expect(warnings[0]).to.match(/^seq 6 is/);
  });

  it('has what is wrong with the checkpoints told first, by their names', async () => {
    const bad = { note: 'forged', name: 'kept elsewhere' };
    const text = textOf(withLine(LINES, 0, recordLine(0).toString().replace('call', 'cull')));
    const { problems, origin } = await verify(text, { others: [bad, await sealed(5)] });
    expect(origin).to.equal(ORIGIN);
    expect(problems.map(({ kind, index }) => [kind, index])).to.deep.equal([
      ['checkpoint', undefined],
      ['changed', 0],
    ]);
    expect(problems[0]?.message).to.match(/^kept elsewhere: /);
  });

  it('has what is wrong told in the order of the records, whenever it was found', async () => {
    const lines = [...LINES];
    lines[10] = 'no record';
    lines[12] = LINES[2] ?? '';
    const others = [{ note: 'forged', name: 'one' }, await sealed(5), { note: 'forged', name: 'other' }];
    lines[1] = recordLine(1).toString().replace('call', 'cull');
    const { problems } = await verify(textOf(lines), { others });
    expect(problems.map(({ kind, index }) => [kind, index])).to.deep.equal([
      ['checkpoint', undefined],
      ['checkpoint', undefined],
      ['changed', 0],
      ['foreign', 10],
      ['order', 12],
    ]);
  });

  it('has no fault where it could not be verified for another reason', async () => {
    const broken = { ...key.verifier, publicKey: 'no key' as unknown as typeof key.publicKey };
    const failure = await verify(textOf(LINES), { verifiers: [broken] }).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error).and.not.be.instanceOf(IntegrityError);
  });

  it('without a checkpoint of its own is held against the others', async () => {
    const checkpoint = { note: 'forged', name: 'its own' };
    const report = await verify(textOf(LINES), { checkpoint, others: [await sealed(15)] });
    expect(report).to.include({ ok: false, status: 'broken', size: 20, sealed: 15, origin: ORIGIN });
    expect(report.problems.map(({ kind }) => kind)).to.deep.equal(['checkpoint', 'unsealed']);
    expect(await found('', { checkpoint })).to.deep.equal([['checkpoint', undefined, undefined]]);
    expect(await found('', { checkpoint, others: [await sealed(0)] })).to.have.length(1);
  });

  it('cannot lead to two checkpoints of one size that differ', async () => {
    const others = [await sealed(20, withLine(LINES, 0, 'other'), 'the anchor')];
    const { ok, problems } = await verify(textOf(LINES), { others });
    expect([ok, problems.map(({ kind }) => kind)]).to.deep.equal([false, ['fork']]);
    expect(problems[0]?.message).to.contain('the anchor and checkpoint 20');
  });

  describe('with a segment that is missing', () => {
    const missing = { missing: 'b', first: 5, count: 10 };
    const source = (last = LINES.slice(15)) =>
      parts(segmentOf(LINES.slice(0, 5), 'a'), missing, segmentOf(last, 'c'));

    it('has it named, with its records, and the rest is checked by the stored hashes', async () => {
      const { problems, size, root } = await verify(source(), { leaves: () => stored(LINES) });
      expect([size, root]).to.deep.equal([20, hashToBase64(rootOf(LINES))]);
      expect(problems.map(({ message: _, ...problem }) => problem)).to.deep.equal([
        { kind: 'segment', index: 5, segment: 'b' },
      ]);
      expect(problems[0]?.message).to.contain('b is missing, with records 5 to 14');
    });

    it('is sound without it where that is allowed, with a warning', async () => {
      const leaves = () => stored(LINES);
      const checkpoint = await sealed(20);
      const others = [await sealed(10), await sealed(5), await sealed(15)];
      const report = await verify(source(), { leaves, checkpoint, others, allowMissing: true });
      expect(report).to.include({ ok: true, size: 20, sealed: 20 });
      expect(report.warnings[0]).to.contain('b is missing, with records 5 to 14');
      const edited = withLine(LINES, 16, recordLine(16).toString().replace('call', 'cull')).slice(15);
      const { problems } = await verify(source(edited), { leaves, allowMissing: true });
      expect(problems.map(({ kind, index, segment }) => [kind, index, segment])).to.deep.equal([
        ['edited', 16, 'c'],
      ]);
    });

    it('cannot be checked behind it without its hashes, whatever is allowed', async () => {
      for (const leaves of [undefined, () => stored(LINES.slice(0, 14))])
        for (const allowMissing of [true, false]) {
          const options = { ...(leaves && { leaves }), allowMissing };
          const report = await verify(source(), options);
          expect(report.ok).to.equal(false);
          expect(report.problems.map(({ kind, index, segment }) => [kind, index, segment])).to.deep.equal([
            ['segment', 5, 'b'],
          ]);
          expect(report.problems[0]?.message).to.contain('what follows cannot be checked');
        }
    });
  });
});
