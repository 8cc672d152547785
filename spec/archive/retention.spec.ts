import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FileSink, type FileSinkOptions } from '../../lib/sinks/file/fileSink.js';
import { folders } from '../support/logFolder.js';
import { runCommand } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { DAY_MS, ORIGIN, partsOf, tampered, written } from '../support/segmentedLog.js';

describe('retention', () => {
  const folder = folders();
  const run = (...args: string[]) => runCommand(args, '', {});

  const aged = (path: string, days: number) => {
    const then = new Date(Date.now() - days * DAY_MS);
    for (const name of partsOf(path)) utimesSync(join(path, '..', name), then, then);
  };

  it('lets the oldest segments go on record, and verify proves the rest and names what went', async () => {
    const { path, vkey } = await written(folder());
    const key = `${path}.key`;
    const dry = await run('retain', path, '--most-bytes', '30000', '--key', key, '--dry-run');
    expect(dry.out).to.match(/3 segments would go/);
    expect(partsOf(path)).to.have.length(5);
    const { code, out } = await run(
      'retain',
      path,
      '--most-bytes',
      '30000',
      '--key',
      key,
      '--reason',
      'disk',
      '--by',
      'ops',
    );
    expect(code, out).to.equal(0);
    expect(partsOf(path)).to.deep.equal(['audit.jsonl.000004', 'audit.jsonl.000005']);
    const report = JSON.parse((await run('verify', path, '--vkey', vkey, '--json')).out);
    expect(report).to.include({ ok: true, status: 'intact', size: 60 });
    expect(report.warnings.join()).to.match(
      /records 0 to 29 were let go on \d{4}-\d\d-\d\d by ops \(disk\), as audit\.jsonl\.retention\.jsonl has it/,
    );
    const journal = readFileSync(`${path}.retention.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(journal).to.have.length(6);
    expect(journal[1].data.segment).to.include({ file: 'audit.jsonl.000001', first: 0, count: 10 });
    const journalRun = await run(
      'verify',
      `${path}.retention.jsonl`,
      '--vkey',
      readFileSync(`${path}.retention.jsonl.integrity/vkey`, 'utf8').trim(),
    );
    expect(journalRun.code, journalRun.out).to.equal(0);
    // What comes later is still held against the seal.
    const fourth = join(path, '..', 'audit.jsonl.000004');
    writeFileSync(fourth, tampered(readFileSync(fourth, 'utf8')));
    const damaged = await run('verify', path, '--vkey', vkey);
    expect(damaged.code).to.equal(1);
  });

  it('believes no journal that somebody else sealed, that was edited, or that names another root', async () => {
    const { path, vkey } = await written(folder());
    // A key of its own, which the auditor may be given: without it, the segments are missing.
    await run('retain', path, '--most-bytes', '30000');
    const own = readFileSync(`${path}.retention.jsonl.integrity/vkey`, 'utf8').trim();
    const without = await run('verify', path, '--vkey', vkey);
    expect(without.code).to.equal(1);
    expect(without.out).to.include('is sealed by a key that is not trusted here');
    expect((await run('verify', path, '--vkey', vkey, '--vkey', own)).code).to.equal(0);
    const journal = `${path}.retention.jsonl`;
    const text = readFileSync(journal, 'utf8');
    writeFileSync(journal, text.replace('"count":10', '"count":20'));
    const edited = await run('verify', path, '--vkey', vkey, '--vkey', own);
    expect(edited.code).to.equal(1);
    expect(edited.out).to.include('is not what was sealed');
    writeFileSync(journal, text);
    // A journal of another log, sealed by the same key, has other roots.
    const other = await written(folder(), {
      integrity: { origin: ORIGIN, key: `${path}.key`, checkpointEvery: 3 },
      rotate: { maxBytes: 14_000 },
    });
    expect((await run('verify', other.path, '--vkey', vkey)).code).to.equal(0);
  });

  it('keeps what is to stay, what was tampered with, what no checkpoint covers, and the newest segment', async () => {
    const { path } = await written(folder());
    aged(path, 100);
    const kept = async (...args: string[]) => {
      const { code, out } = await run('retain', path, ...args, '--dry-run', '--json');
      return { code, ...(JSON.parse(out) as { gone: { file: string }[]; kept: string[] }) };
    };
    expect(
      (await kept('--most-days', '99', '--least-days', '99')).gone.map(({ file }) => file),
    ).to.have.length(4);
    expect((await kept('--most-days', '101')).gone).to.deep.equal([]);
    expect((await kept('--most-bytes', '1', '--least-days', '101')).gone).to.deep.equal([]);
    expect((await kept('--most-bytes', '20000', '--least-bytes', '20000')).gone).to.have.length(3);
    // A clock that was wrong: the file looks old, and its records are not.
    const first = join(path, '..', 'audit.jsonl.000001');
    const sound = readFileSync(first, 'utf8');
    writeFileSync(first, tampered(sound));
    aged(path, 100);
    const spared = await kept('--most-days', '99');
    expect(spared).to.include({ code: 1 });
    expect(spared.kept.join()).to.match(/audit\.jsonl\.000001 stays: .* is not what was sealed/);
    writeFileSync(first, sound);
  });

  it('takes a segment to be as young as the newest record before it, where the clock was set back', async () => {
    const at = folder();
    const path = join(at, 'audit.jsonl');
    const integrity = { origin: ORIGIN, key: { generate: `${path}.key` } };
    const sink = new FileSink({ path, rotate: { maxBytes: 20_000 }, integrity, onNotice: () => undefined });
    const now = Date.now();
    for (let i = 0; i < 60; i++) {
      // The first segment was written by a clock that ran ahead.
      const time = new Date(now + (i < 10 ? 1 : -400) * DAY_MS).toISOString();
      await sink.emit([{ ...sampleRecord(i), time }]);
    }
    await sink.close();
    aged(path, 400);
    const { gone, kept } = JSON.parse(
      (await run('retain', path, '--most-days', '300', '--least-days', '300', '--dry-run', '--json')).out,
    );
    expect(gone).to.deep.equal([]);
    expect(kept.join()).to.include('its newest record is 0 days old');
  });

  it('stops at a legal hold, which is on record, and goes on when it is lifted', async () => {
    const { path, vkey } = await written(folder());
    const key = ['--key', `${path}.key`];
    expect((await run('hold', path, '--as', 'case-17', ...key)).code).to.equal(2);
    expect(
      (await run('hold', path, '--as', 'case-17', '--reason', 'letter', '--by', 'counsel', ...key)).out,
    ).to.match(/case-17: since .* by counsel: letter/);
    const held = await run('retain', path, '--most-bytes', '1', ...key);
    expect(held).to.include({ code: 1 });
    expect(held.out).to.include('audit.jsonl.000001 is under a legal hold');
    expect(partsOf(path)).to.have.length(5);
    expect((await run('hold', path, '--lift', 'case-18', '--reason', 'x', ...key)).code).to.equal(1);
    expect((await run('hold', path, '--lift', 'case-17', '--reason', 'settled', ...key)).out).to.include(
      'no legal hold',
    );
    expect((await run('retain', path, '--most-bytes', '1', ...key)).code).to.equal(0);
    expect(partsOf(path)).to.have.length(1);
    expect((await run('verify', path, '--vkey', vkey)).code).to.equal(0);
    const actions = readFileSync(`${path}.retention.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).data.action);
    expect(actions.slice(0, 2)).to.deep.equal(['hold', 'lift']);
  });

  it('deletes nothing where its journal is gone or cannot be read: there may be a hold in it', async () => {
    const { path } = await written(folder());
    const key = ['--key', `${path}.key`];
    await run('hold', path, '--as', 'case-17', '--reason', 'letter', ...key);
    const journal = `${path}.retention.jsonl`;
    const text = readFileSync(journal, 'utf8');
    rmSync(journal);
    const gone = await run('retain', path, '--most-bytes', '1', ...key);
    expect(gone).to.include({ code: 3 });
    expect(gone.err).to.include('which holds there are cannot be told');
    writeFileSync(journal, 'nonsense\n');
    expect((await run('retain', path, '--most-bytes', '1', ...key)).code).to.equal(3);
    writeFileSync(journal, text);
    expect((await run('hold', path, '--as', 'b', '--reason', 'c')).err).to.include('give that key');
    expect(partsOf(path)).to.have.length(5);
  });

  it('finishes what a crash left between the record and the deletion, and says so', async () => {
    const { path, vkey } = await written(folder());
    const key = ['--key', `${path}.key`];
    const copy = join(path, '..', 'copy');
    const first = join(path, '..', 'audit.jsonl.000001');
    writeFileSync(copy, readFileSync(first));
    await run('retain', path, '--most-bytes', '60000', ...key);
    expect(existsSync(first)).to.equal(false);
    // As if the process had ended before the deletion: the record of what is about to go is there, and so is the segment.
    const journal = `${path}.retention.jsonl`;
    const lines = readFileSync(journal, 'utf8').split('\n');
    rmSync(`${journal}.integrity`, { recursive: true });
    rmSync(journal);
    const sink = new FileSink({
      path: journal,
      integrity: { origin: `${ORIGIN}/retention`, key: `${path}.key` },
      onNotice: () => undefined,
    });
    await sink.emit([JSON.parse(lines[0]!)]);
    await sink.close();
    writeFileSync(first, readFileSync(copy));
    const { out } = await run('retain', path, '--most-bytes', '100000000', ...key);
    expect(out).to.match(
      /audit\.jsonl\.000001 was about to be let go at .*, when the process ended: it is gone now/,
    );
    expect(existsSync(first)).to.equal(false);
    const after = await run('verify', path, '--vkey', vkey);
    expect(after.code, after.out).to.equal(0);
  });

  it('is one after the other where several processes are at it', async () => {
    const { path, vkey } = await written(folder());
    const key = ['--key', `${path}.key`];
    const runs = await Promise.all([
      run('retain', path, '--most-bytes', '1', ...key),
      run('retain', path, '--most-bytes', '1', ...key),
      run('hold', path, '--as', 'late', '--reason', 'letter', ...key),
    ]);
    for (const { code, err } of runs) expect(code, err).to.be.oneOf([0, 1]);
    expect((await run('verify', path, '--vkey', vkey)).code).to.equal(0);
    const lines = readFileSync(`${path}.retention.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const held = lines.findIndex(({ data }) => data.action === 'hold');
    // A deletion that had begun is finished; none begins after the hold.
    expect(lines.slice(held + 1).filter(({ stage }) => stage !== undefined)).to.deep.equal([]);
    const files = lines
      .filter(({ stage }) => stage === undefined)
      .flatMap(({ data }) => data.segment?.file ?? []);
    expect(new Set(files).size).to.equal(files.length);
  });

  it('refuses options that contradict each other, with the name of the option', () => {
    const path = join(folder(), 'audit.jsonl');
    const integrity = { origin: ORIGIN, key: { generate: `${path}.key` } };
    const failing = (options: Partial<FileSinkOptions>) => expect(() => new FileSink({ path, ...options }));
    failing({ retain: { atMost: { days: 1 } } }).to.throw('retain: needs integrity');
    failing({ integrity, rotate: { keep: 3 }, retain: {} }).to.throw('rotate.keep');
    failing({ integrity, retain: { atMost: { days: 3 }, atLeast: { days: 4 } } }).to.throw(
      'retain.atMost.days',
    );
    failing({ integrity, retain: { preset: 'hipaa', atMost: { days: 365 } } }).to.throw(
      '2192 days are to stay',
    );
    failing({ integrity, retain: { atMost: { bytes: 1 }, atLeast: { bytes: 2 } } }).to.throw(
      'retain.atMost.bytes',
    );
    failing({ integrity, archive: { to: 'https://example.com' } }).to.throw('s3://BUCKET');
  });
});
