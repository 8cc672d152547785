import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { numbered } from '../../support/drafts.js';
import { folders, recordsIn, seqsIn } from '../../support/logFolder.js';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('FileSink, opening', () => {
  const folder = folders();

  it('makes the file for its owner only, and the folders above it', async () => {
    const base = folder();
    const before = process.umask(0o000);
    const sink = new FileSink(join(base, 'a', 'b', 'audit.jsonl'));
    process.umask(before);
    expect(mode(sink.path)).to.equal('600');
    expect([mode(join(base, 'a')), mode(join(base, 'a', 'b'))]).to.deep.equal(['700', '700']);
    expect(mode(`${sink.path}.lock`)).to.equal('600');
    await sink.close();
  });

  it('narrows a file that others can read, and says so, or refuses it', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    expect(() => new FileSink({ path, widerMode: 'refuse' })).to.throw(ConfigError, '0644');
    const told: unknown[] = [];
    const sink = new FileSink({ path, onNotice: (notice) => void told.push(notice) });
    expect(mode(path)).to.equal('600');
    expect(sink.notices).to.deep.equal([{ kind: 'mode-narrowed', path }]);
    expect(told).to.deep.equal(sink.notices);
    await sink.close();
  });

  const refusals: [string, RegExp, (path: string) => void][] = [
    ['a symbolic link', /symbolic link/, (path) => symlinkSync('/etc/passwd', path)],
    ['a dangling symbolic link', /symbolic link/, (path) => symlinkSync(`${path}.target`, path)],
    ['a directory', /directory/, (path) => mkdirSync(path)],
    ['a FIFO', /no regular file|FIFO/, (path) => execFileSync('mkfifo', [path])],
    [
      'a file with a second name',
      /hard link/,
      (path) => (writeFileSync(`${path}2`, ''), linkSync(`${path}2`, path)),
    ],
    ['a file that is no log', /no log/, (path) => writeFileSync(path, Buffer.alloc(17 * 1024 * 1024, 'x'))],
  ];
  for (const [what, why, make] of refusals) {
    it(`refuses ${what} and leaves no lock behind`, () => {
      const path = join(folder(), 'audit.jsonl');
      make(path);
      expect(() => new FileSink(path)).to.throw(ConfigError, why);
      expect(readdirSync(join(path, '..')).filter((name) => name.includes('.lock'))).to.deep.equal([]);
    });
  }

  it('refuses options after a path, which nobody would hear', () => {
    const Sink = FileSink as new (...args: unknown[]) => FileSink;
    expect(() => new Sink('audit.jsonl', { integrity: { origin: 'log.example.com' } })).to.throw(
      ConfigError,
      'takes one argument',
    );
  });

  it('refuses a path that leads out of its base', async () => {
    const outside = folder();
    const base = folder();
    symlinkSync(outside, join(base, 'link'));
    for (const path of ['../audit.jsonl', 'a/../../audit.jsonl', '/tmp/audit.jsonl', 'link/audit.jsonl'])
      expect(() => new FileSink({ path, base }), path).to.throw(ConfigError, 'base');
    expect(readdirSync(outside)).to.deep.equal([]);
    const sink = new FileSink({ path: 'a/../b/audit.jsonl', base });
    expect(sink.path).to.equal(join(base, 'b', 'audit.jsonl'));
    await sink.close();
  });

  const bad: unknown[] = [
    ...['', 7, null, {}, { path: 'x', mode: 'fast' }, { path: 'x\0y' }, { path: 'x', fsync: 'sometimes' }],
    ...[
      { path: 'x', rotate: { maxBytes: 0 } },
      { path: 'x', rotate: { size: 1 } },
      { path: 'x', onNotice: 1 },
    ],
  ];
  for (const options of bad) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => new FileSink(options as never)).to.throw(ConfigError);
    });
  }

  it('fills in the process and the thread', async () => {
    const sink = new FileSink(join(folder(), 'audit-{pid}-{thread}.jsonl'));
    expect(sink.path).to.match(new RegExp(`audit-${process.pid}-0\\.jsonl$`));
    await sink.close();
  });

  it('lets one writer at a path, in one process too, and frees it on close', async () => {
    const path = join(folder(), 'audit.jsonl');
    const first = new FileSink(path);
    expect(() => new FileSink(path)).to.throw(ConfigError, `process ${process.pid}`);
    await first.close();
    await new FileSink(path).close();
    expect(readdirSync(join(path, '..'))).to.deep.equal(['audit.jsonl']);
  });

  it('takes over the lock of a process that is gone, and says so', async () => {
    const path = join(folder(), 'audit.jsonl');
    const first = new FileSink(path);
    const lock = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object;
    await first.close();
    writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, started: '1' }));
    const sink = new FileSink(path);
    expect(sink.notices).to.deep.equal([{ kind: 'stale-lock', path }]);
    await sink.close();
  });

  it('leaves the lock of another machine alone, and one that it cannot read', () => {
    const path = join(folder(), 'audit.jsonl');
    for (const text of ['{"pid":1,"started":"1","host":"elsewhere","thread":0}', '']) {
      writeFileSync(`${path}.lock`, text);
      expect(() => new FileSink(path)).to.throw(ConfigError, 'being written');
      expect(readFileSync(`${path}.lock`, 'utf8')).to.equal(text);
    }
  });
});

describe('FileSink, an existing log', () => {
  const folder = folders();
  const line = (seq: number) => `${JSON.stringify(numbered(seq))}\n`;

  it('goes on after the last record', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(path, line(4) + line(5), { mode: 0o600 });
    const sink = new FileSink(path);
    expect(sink.lastSeq).to.equal(5);
    await sink.close();
  });

  it('has no last place in an empty log, or one of something else', async () => {
    const path = join(folder(), 'audit.jsonl');
    for (const text of ['', 'hello\n', '{"seq":3}\n']) {
      writeFileSync(path, text);
      const sink = new FileSink(path);
      expect(sink.lastSeq).to.equal(undefined);
      await sink.close();
    }
  });

  it('cuts a torn last line off and keeps its bytes', async () => {
    const path = join(folder(), 'audit.jsonl');
    const torn = line(6).slice(0, 99);
    writeFileSync(path, line(5) + torn, { mode: 0o600 });
    const sink = new FileSink(path);
    expect(sink.lastSeq).to.equal(5);
    const [notice] = sink.notices;
    expect(notice).to.include({ kind: 'torn-tail', bytes: 99 });
    expect(readFileSync(notice?.keptIn ?? '', 'utf8')).to.equal(torn);
    expect(mode(notice?.keptIn ?? '')).to.equal('600');
    sink.emit([numbered(6)]);
    await sink.close();
    expect(seqsIn(path)).to.deep.equal([5, 6]);
  });

  it('gives a last line its end when nothing else is missing', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(path, line(5) + line(6).trimEnd(), { mode: 0o600 });
    const sink = new FileSink(path);
    expect(sink.lastSeq).to.equal(6);
    expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['line-completed']);
    await sink.close();
    expect(seqsIn(path)).to.deep.equal([5, 6]);
  });

  it('finds a last line that is longer than one read, and one that breaks a character', async () => {
    const path = join(folder(), 'audit.jsonl');
    const long = `${JSON.stringify(numbered(9, { message: 'ä'.repeat(200_000) }))}\n`;
    writeFileSync(path, Buffer.concat([Buffer.from(line(8) + long), Buffer.from(long).subarray(0, 1001)]));
    const sink = new FileSink(path);
    expect(sink.lastSeq).to.equal(9);
    await sink.close();
    expect(recordsIn(path)).to.have.length(2);
  });

  it('names the intents that no completion follows', async () => {
    const path = join(folder(), 'audit.jsonl');
    const step = (operation_id: string, stage?: string) =>
      `${JSON.stringify(numbered(0, { operation_id, ...(stage && { stage }) }))}\n`;
    const intent = 'request_received';
    writeFileSync(
      path,
      step('a', intent) + step('b', intent) + step('a') + line(3) + step('c', intent) + step('d'),
    );
    const sink = new FileSink(path);
    expect(sink.unfinishedIntents.map(({ operation_id }) => operation_id)).to.deep.equal(['b', 'c']);
    sink.emit([numbered(4, { operation_id: 'e', stage: intent })]);
    expect(sink.unfinishedIntents).to.have.length(2);
    await sink.close();
  });
});
