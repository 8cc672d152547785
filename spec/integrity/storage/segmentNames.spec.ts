import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IntegrityError } from '../../../lib/errors.js';
import {
  integrityLayout,
  EMPTY_SEGMENT_LIST,
  formatSegmentList,
  parseSegmentList,
  withSegment,
  type SegmentList,
} from '../../../lib/integrity/storage/files.js';
import { findSegments, readSegments } from '../../../lib/integrity/storage/segments.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: which files are those of a log', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const files = (...names: string[]) => {
    for (const name of names) writeFileSync(join(folder.path, name), '');
  };
  const segmentList = (...segments: [string | undefined, number][]) => {
    const whole = segments.reduce<SegmentList>(
      (before, [file, end]) => withSegment(before, file, end),
      EMPTY_SEGMENT_LIST,
    );
    mkdirSync(integrityLayout(log).folder);
    writeFileSync(integrityLayout(log).segments, formatSegmentList(whole));
  };
  /** The name of each, a question mark before those that are missing. */
  const names = async () =>
    (await findSegments(log)).map(({ path, present }) => `${present ? '' : '?'}${basename(path)}`);
  const text = async (startAt?: number) => {
    const chunks: Buffer[] = [];
    for await (const { data } of readSegments(await findSegments(log), { startAt }))
      chunks.push(Buffer.from(data));
    return Buffer.concat(chunks).toString();
  };

  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'log');
  });
  afterEach(() => folder.remove());

  for (const [what, there, expected] of [
    ['the log alone', ['log'], ['log']],
    ['none, and the log is missing', [], ['?log']],
    ['rotated ones without the log itself', ['log.1', 'log.2'], ['log.2', 'log.1']],
    ['names with six digits, from low to high', ['log.000010', 'log.000002'], ['log.000002', 'log.000010']],
    ['names with five digits, from low to high', ['log.00010', 'log.00002'], ['log.00002', 'log.00010']],
    ['names with four digits, from high to low', ['log.9999', 'log.1000'], ['log.9999', 'log.1000']],
    ['dates after a hyphen', ['log-20260102', 'log-20260101.gz'], ['log-20260101.gz', 'log-20260102']],
    [
      'numbers among dates, as they read',
      ['log.2', 'log-20260101', 'log.1'],
      ['log.1', 'log.2', 'log-20260101'],
    ],
    ['a file that is being compressed once, and plain', ['log.1', 'log.1.gz'], ['log.1']],
    ['compressed ones in their place', ['log.3.gz', 'log.2.gz', 'log.1'], ['log.3.gz', 'log.2.gz', 'log.1']],
  ] as const) {
    it(`finds ${what}`, async () => {
      files(...there);
      expect((await names()).filter((name) => name !== '?log' || there.length === 0)).to.deep.equal(expected);
    });
  }

  it('passes over files of another name', async () => {
    files(
      'log',
      'log.bak',
      'log.1.bak',
      'log1',
      'log.',
      'log.x1',
      'other.1',
      'xlog.1',
      'log.gz',
      'log.1.gz.gz',
    );
    mkdirSync(join(folder.path, 'log.integrity'));
    expect(await names()).to.deep.equal(['log']);
  });

  it('takes no folder for the log', async () => {
    mkdirSync(log);
    expect(await names()).to.deep.equal(['?log']);
    files('log.1');
    expect(await names()).to.deep.equal(['log.1']);
  });

  it('is of a log that is not even in a folder: it is missing', async () => {
    log = join(folder.path, 'none', 'log');
    expect(await names()).to.deep.equal(['?log']);
  });

  it('follows the segment list, in its order, whatever the files are called since', async () => {
    segmentList(['log.1', 3], ['log.000007', 5], ['elsewhere', 9]);
    files('log', 'log.1.gz', 'log.000007', 'log.000008');
    expect(await names()).to.deep.equal(['log.1.gz', 'log.000007', '?elsewhere', 'log.000008', 'log']);
    const ranges = (await findSegments(log)).map(({ range }) => range);
    expect(ranges).to.deep.equal([
      { first: 0, count: 3 },
      { first: 3, count: 2 },
      { first: 5, count: 4 },
      undefined,
      undefined,
    ]);
  });

  it('finds a file that the segment list names by its compressed name under that name alone', async () => {
    segmentList(['old.gz', 3]);
    files('log', 'old', 'old.gz.gz');
    expect(await names()).to.deep.equal(['?old.gz', 'log']);
    files('old.gz');
    expect(await names()).to.deep.equal(['old.gz', 'log']);
  });

  it('takes files that were moved away without a word for the newest of those that have no name', async () => {
    segmentList([undefined, 3], ['named', 4], [undefined, 6], [undefined, 9]);
    files('log', 'named', 'log.2', 'log.1');
    expect(await names()).to.deep.equal(['?log (moved away)', 'named', 'log.2', 'log.1', 'log']);
    files('log.3', 'log.4');
    expect(await names()).to.deep.equal(['log.4', 'named', 'log.3', 'log.2', 'log.1', 'log']);
  });

  it('are read one after the other, from a place in the first of them on', async () => {
    writeFileSync(`${log}.2.gz`, gzipSync('abcdef\n'));
    writeFileSync(`${log}.1`, 'ghi\n');
    writeFileSync(log, 'jkl\n');
    for (const start of [0, 1, 6, 7, 8])
      expect(await text(start)).to.equal(`${'abcdef\n'.slice(start)}ghi\njkl\n`);
    expect(await text()).to.equal('abcdef\nghi\njkl\n');
    writeFileSync(`${log}.3`, '1234\n');
    expect(await text(2)).to.equal('34\nabcdef\nghi\njkl\n');
  });

  it('are read where the first place is not at the start, with the offset of it', async () => {
    writeFileSync(`${log}.2.gz`, gzipSync('abcdef\n'));
    writeFileSync(`${log}.1`, 'ghi\n');
    const segments = await findSegments(log);
    const placesOf = async (part: typeof segments, start: number) => {
      const places: [string, number][] = [];
      for await (const { segment, offset } of readSegments(part, { startAt: start }))
        places.push([basename(segment), offset]);
      return places;
    };
    expect(await placesOf(segments, 2)).to.deep.equal([
      ['log.2.gz', 2],
      ['log.1', 0],
    ]);
    expect(await placesOf(segments.slice(1), 2)).to.deep.equal([['log.1', 2]]);
  });

  it('cannot be read when one is no gzip file, or has gone since', async () => {
    writeFileSync(`${log}.1.gz`, 'plain text');
    const failure = async (attempt: Promise<unknown>) => attempt.catch((error: unknown) => error);
    const damaged = await failure(text());
    expect(damaged).to.be.instanceOf(IntegrityError);
    expect((damaged as Error).message)
      .to.contain('log.1.gz is damaged')
      .and.contain('after 0 bytes');
    for (const name of ['gone', 'gone.gz']) {
      const path = join(folder.path, name);
      const error = await failure(readSegments([{ path, present: true }]).next());
      expect(error).to.include({ code: 'ENOENT' });
    }
    expect(await readSegments([{ path: join(folder.path, 'gone'), present: false }]).next()).to.include({
      done: true,
    });
  });
});

describe('integrity: the segment list', () => {
  const entry = { file: 'a', first: 0, count: 2 };
  const reading = (value: unknown) => () => parseSegmentList(JSON.stringify(value));

  it('comes back as it was written', () => {
    const segmentList = withSegment(withSegment(EMPTY_SEGMENT_LIST, 'a', 2), undefined, 2);
    expect(segmentList).to.deep.equal({
      version: 1,
      segments: [entry, { first: 2, count: 0 }],
      current: 2,
    });
    expect(parseSegmentList(formatSegmentList(segmentList))).to.deep.equal(segmentList);
    expect(formatSegmentList(segmentList)).to.match(/\}\n$/);
  });

  for (const [what, value] of [
    ['nothing', null],
    ['a text', 'segment list'],
    ['another version', { version: 2, segments: [entry], current: 2 }],
    ['no list of segments', { version: 1, segments: {}, current: 0 }],
    ['no current', { version: 1, segments: [] }],
    ['a current below 0', { version: 1, segments: [], current: -1 }],
    ['a current that is text', { version: 1, segments: [entry], current: '2' }],
    ['a segment that is nothing', { version: 1, segments: [null], current: 0 }],
    ['a segment that is a number', { version: 1, segments: [7], current: 0 }],
    ['a segment without a name in its name', { version: 1, segments: [{ ...entry, file: '' }], current: 2 }],
    ['a segment with a number for a name', { version: 1, segments: [{ ...entry, file: 7 }], current: 2 }],
    ['a count below 0', { version: 1, segments: [{ ...entry, count: -2 }], current: -2 }],
    ['half a record', { version: 1, segments: [{ ...entry, count: 1.5 }], current: 1.5 }],
    ['no first', { version: 1, segments: [{ file: 'a', count: 2 }], current: 2 }],
    ['no count', { version: 1, segments: [{ file: 'a', first: 0 }], current: 2 }],
  ] as const) {
    it(`is rejected with ${what}`, () =>
      expect(reading(value)).to.throw(IntegrityError, 'not of a known form'));
  }

  it('is rejected with a name that leads out of the folder', () => {
    for (const file of ['../a', '..', '/etc/passwd', 'a/b', 'a\\b'])
      expect(reading({ version: 1, segments: [{ ...entry, file }], current: 2 }), file).to.throw(
        IntegrityError,
        'outside the folder',
      );
    for (const file of ['..a', 'a..', '...'])
      expect(reading({ version: 1, segments: [{ ...entry, file }], current: 2 }), file).to.not.throw();
  });
});
