import { expect } from 'chai';
import fc from 'fast-check';
import { appendFileSync, mkdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IntegrityError } from '../../../lib/errors.js';
import {
  integrityLayout,
  EMPTY_SEGMENT_LIST,
  formatSegmentList,
  parseSegmentList,
  withSegment,
} from '../../../lib/integrity/storage/files.js';
import {
  readLines,
  findSegments,
  readSegments,
  type LogChunk,
} from '../../../lib/integrity/storage/segments.js';
import { startsLine } from '../../../lib/integrity/sealing/restore.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

async function collect(chunks: AsyncIterable<LogChunk>): Promise<[number, string, number, boolean][]> {
  const lines: [number, string, number, boolean][] = [];
  for await (const batch of readLines(chunks))
    for (const { index, bytes, offset, torn } of batch) lines.push([index, bytes.toString(), offset, torn]);
  return lines;
}

async function* inPieces(text: Buffer, sizes: readonly number[]): AsyncGenerator<LogChunk> {
  let offset = 0;
  for (const size of [...sizes, text.length]) {
    const data = text.subarray(offset, offset + size);
    if (data.length > 0) yield { data, segment: 'log', offset };
    offset += data.length;
  }
}

describe('integrity: the segments of a log', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const file = (name: string, content: string | Buffer) => writeFileSync(join(folder.path, name), content);
  const names = async () =>
    (await findSegments(log)).map(({ path, present }) => [path.slice(folder.path.length + 1), present]);

  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  it('reads a file without a hole that grows meanwhile, also by more than one read', async () => {
    const part = (bytes: number, from: number) =>
      Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => (from + index) % 251));
    file('audit.jsonl', part(1_500_000, 0));
    const read: Buffer[] = [];
    let grown = 1_500_000;
    for await (const { data, offset } of readSegments(await findSegments(log))) {
      expect(offset).to.equal(Buffer.concat(read).length);
      read.push(Buffer.from(data));
      if (grown >= 9_000_000) continue;
      appendFileSync(log, part(2_500_000, grown));
      grown += 2_500_000;
    }
    expect(Buffer.concat(read).equals(part(Buffer.concat(read).length, 0))).to.equal(true);
    expect(Buffer.concat(read)).to.have.length.greaterThan(1_500_000);
  });

  it('reads rotated and compressed segments as one log, with index and byte offset', async () => {
    file('audit.jsonl.2.gz', gzipSync('a\nbb\n'));
    file('audit.jsonl.1', 'ccc\n');
    file('audit.jsonl', 'd\nee');
    expect(await collect(readSegments(await findSegments(log)))).to.deep.equal([
      [0, 'a', 0, false],
      [1, 'bb', 2, false],
      [2, 'ccc', 0, false],
      [3, 'd', 0, false],
      [4, 'ee', 2, true],
    ]);
  });

  it('orders numbers from high to low, and times from early to late', async () => {
    for (const name of ['audit.jsonl.1', 'audit.jsonl.10', 'audit.jsonl.2', 'audit.jsonl']) file(name, '');
    expect((await names()).map(([name]) => name)).to.deep.equal([
      'audit.jsonl.10',
      'audit.jsonl.2',
      'audit.jsonl.1',
      'audit.jsonl',
    ]);
    for (const name of ['audit.jsonl.1', 'audit.jsonl.10', 'audit.jsonl.2'])
      unlinkSync(join(folder.path, name));
    for (const name of ['audit.jsonl.20260102T000000Z', 'audit.jsonl.20260101T235959Z.gz']) file(name, '');
    expect((await names()).map(([name]) => name)).to.deep.equal([
      'audit.jsonl.20260101T235959Z.gz',
      'audit.jsonl.20260102T000000Z',
      'audit.jsonl',
    ]);
  });

  it('follows the segment list where there is one, and says which segment is missing', async () => {
    mkdirSync(integrityLayout(log).folder);
    const segmentList = withSegment(withSegment(EMPTY_SEGMENT_LIST, 'old-b', 2), 'old-a', 5);
    writeFileSync(integrityLayout(log).segments, formatSegmentList(segmentList));
    file('old-b.gz', gzipSync('a\nb\n'));
    file('audit.jsonl', 'f\n');
    expect(await names()).to.deep.equal([
      ['old-b.gz', true],
      ['old-a', false],
      ['audit.jsonl', true],
    ]);
    expect((await findSegments(log))[1]?.range).to.deep.equal({ first: 2, count: 3 });
  });

  it('rejects a segment list with a hole, with a path out of the folder, or of another form', () => {
    const entry = { file: 'a', first: 0, count: 2 };
    const reading = (value: unknown) => () => parseSegmentList(JSON.stringify(value));
    expect(reading({ version: 1, segments: [{ ...entry, first: 1 }], current: 3 })).to.throw(
      IntegrityError,
      'no file for record 0',
    );
    expect(reading({ version: 1, segments: [{ ...entry, file: '../a' }], current: 2 })).to.throw(
      IntegrityError,
      'outside the folder',
    );
    expect(reading({ version: 1, segments: [entry], current: 3 })).to.throw('no file for record 2');
    expect(reading({ version: 2, segments: [], current: 0 })).to.throw('not of a known form');
    expect(() => parseSegmentList('{')).to.throw('not JSON');
  });

  it('says that a compressed segment is damaged, and where', async () => {
    const random = Buffer.from(Array.from({ length: 9000 }, (_, i) => ((i * 7919) % 251) + 1));
    file('audit.jsonl.1.gz', gzipSync(random));
    truncateSync(join(folder.path, 'audit.jsonl.1.gz'), 200);
    file('audit.jsonl', '');
    const failure = await collect(readSegments(await findSegments(log))).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(IntegrityError);
    expect((failure as Error).message).to.match(/audit\.jsonl\.1\.gz is damaged: unexpected end of file/);
  });

  it('reads a file larger than its buffers', async () => {
    const line = 'x'.repeat(999);
    file('audit.jsonl', `${line}\n`.repeat(3000));
    const lines = await collect(readSegments(await findSegments(log)));
    expect(lines).to.have.length(3000);
    expect(
      lines.every(([index, text, offset, torn]) => text === line && offset === index * 1000 && !torn),
    ).to.equal(true);
  });

  it('knows where a line of a plain file starts, and of no other', async () => {
    for (const [name, offsets] of [
      ['plain', [0, 4, 5]],
      ['plain.gz', [0]],
      ['none', [0]],
    ] as const) {
      if (name !== 'none') file(name, 'one\n\ntwo');
      const all = await Promise.all(
        Array.from({ length: 12 }, (_, offset) => startsLine(join(folder.path, name), offset)),
      );
      expect(
        all.flatMap((starts, offset) => (starts ? [offset] : [])),
        name,
      ).to.deep.equal(offsets);
    }
  });

  it('reads compressed content larger than its buffers, from any place in it', async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(''));
    file('log.gz', gzipSync(content));
    const segments = [{ path: join(folder.path, 'log.gz'), present: true }];
    const buffer = 1 << 20;
    expect(content.length).to.be.above(buffer);
    for (const start of [0, 5, buffer - 1, buffer, buffer + 7, content.length]) {
      let next = start;
      for await (const { data, offset } of readSegments(segments, { startAt: start })) {
        expect(offset, `from ${start}`).to.equal(next);
        expect(data.length).to.be.above(0);
        expect(data.equals(content.subarray(offset, offset + data.length))).to.equal(true);
        next += data.length;
      }
      expect(next, `from ${start}`).to.equal(content.length);
    }
  });

  it('finds the same lines however the bytes are cut', async () => {
    const text = fc
      .array(fc.constantFrom('\n', 'a', 'bc', 'é'), { maxLength: 40 })
      .map((parts) => parts.join(''));
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, sizes, async (content, cut) => {
        const bytes = Buffer.from(content);
        const lines = await collect(inPieces(bytes, cut));
        expect(lines).to.deep.equal(await collect(inPieces(bytes, [])));
        for (const [, line, offset] of lines)
          expect(bytes.subarray(offset, offset + Buffer.byteLength(line)).toString()).to.equal(line);
        expect(lines.map(([, line, , torn]) => line + (torn ? '' : '\n')).join('')).to.equal(content);
      }),
    );
  });
});
