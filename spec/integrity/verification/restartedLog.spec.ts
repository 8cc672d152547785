import { expect } from 'chai';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../../lib/codecs/json.js';
import { splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { numbered } from '../../support/drafts.js';
import { ORIGIN } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** What somebody does to the folder of a log who has no key, while no writer has it open. */
type Attack = (path: string, older: string) => void;

const layoutOf = integrityLayout;
const lines = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const edit = (path: string, index: number) =>
  writeFileSync(
    path,
    lines(path)
      .map((line, i) => `${i === index ? line.replace('echo', 'evil') : line}\n`)
      .join(''),
  );
const rollBack: Attack = (path, older) => {
  rmSync(layoutOf(path).folder, { recursive: true });
  cpSync(older, join(path, '..'), { recursive: true });
};

/** Each with what the log can hold against it: nothing, or an anchor. */
const ATTACKS: readonly [what: string, anchored: boolean, attack: Attack][] = [
  [
    'the evidence removed and a record edited',
    false,
    (path) => {
      rmSync(layoutOf(path).folder, { recursive: true });
      edit(path, 3);
    },
  ],
  ['the evidence removed', false, (path) => rmSync(layoutOf(path).folder, { recursive: true })],
  [
    'checkpoints, state and hashes removed, the folder left',
    false,
    (path) => {
      for (const name of ['checkpoint', 'history', 'state', 'leaves'] as const)
        rmSync(layoutOf(path)[name], { force: true });
      edit(path, 3);
    },
  ],
  [
    'state and hashes removed and a record edited',
    false,
    (path) => {
      for (const name of ['state', 'leaves'] as const) rmSync(layoutOf(path)[name]);
      edit(path, 3);
    },
  ],
  ['lines added after it was closed', false, (path) => appendFileSync(path, `${lines(path)[2]}\n`)],
  ['a damaged segment list', false, (path) => writeFileSync(layoutOf(path).segments, '{')],
  [
    'the evidence removed and a record edited',
    true,
    (path) => {
      rmSync(layoutOf(path).folder, { recursive: true });
      edit(path, 3);
    },
  ],
  ['a roll back to an older copy', true, rollBack],
  [
    'everything removed',
    true,
    (path) => {
      rmSync(layoutOf(path).folder, { recursive: true });
      rmSync(path);
    },
  ],
];

describe('integrity: a log whose evidence was tampered with before a restart', function () {
  this.timeout(60_000);
  for (const [what, anchored, attack] of ATTACKS)
    it(`signs nothing of it, and goes on openly as another log: ${what}${anchored ? ', with an anchor' : ''}`, async () => {
      const folder = temporaryFolder();
      const key = newKey(ORIGIN);
      const path = join(folder.path, 'log', 'audit.jsonl');
      const older = join(folder.path, 'older');
      const anchor = join(folder.path, 'anchor');
      const notices: string[] = [];
      let seq = 0;
      const write = async (count: number) => {
        const sink = new FileSink({
          path,
          integrity: { origin: ORIGIN, key: { pem: key.pem }, ...(anchored && { anchor }) },
          onNotice: ({ detail }) => notices.push(detail ?? ''),
        });
        for (const end = seq + count; seq < end; seq++)
          expect(await sink.emit([numbered(seq)])).to.include({ status: 'delivered' });
        await sink.close();
      };
      await write(10);
      cpSync(join(path, '..'), older, { recursive: true });
      await write(10);
      expect(notices).to.deep.equal([]);
      attack(path, older);
      await write(5);

      const aside = readdirSync(join(path, '..')).find((name) => name.includes('.set-aside-')) ?? '';
      expect(notices.join('\n')).to.include('nothing of it is signed').and.to.include(aside);
      expect(lines(path)).to.have.length(5);
      const report = await verifyLogFile(path, { vkeys: [key.vkey] });
      expect([report.ok, report.status]).to.deep.equal([false, 'untrusted']);
      expect(report.problems[0]?.message).to.match(/the log was started anew as \S+\/restart-\d{8}T\d{9}Z/);
      const vkey = / its verifier key is (\S+)/i.exec(report.problems[0]?.message ?? '')?.[1] ?? '';
      const against = anchored ? { against: [anchor] } : {};
      expect(await verifyLogFile(path, { vkeys: [vkey], ...against })).to.include({ ok: true, size: 5 });

      // The next start goes on with the new log, and not with a third one.
      await write(2);
      expect(await verifyLogFile(path, { vkeys: [vkey] })).to.include({ ok: true, size: 7 });
      expect(readdirSync(join(path, '..')).filter((name) => name.includes('.set-aside-'))).to.have.length(1);
      // Nothing that was signed under the first name is of another history.
      const set = join(path, '..', aside, 'audit.jsonl');
      if (existsSync(layoutOf(set).history))
        for (const note of splitNotes(readFileSync(layoutOf(set).history, 'utf8')).notes)
          expect(Number(note.split('\n')[1])).to.be.lessThan(21);
      folder.remove();
    });

  it('goes on without the lines at its end that a power cut left without anything that vouches for them', async function () {
    if (process.platform !== 'linux') this.skip();
    const folder = temporaryFolder();
    const key = newKey(ORIGIN);
    const path = join(folder.path, 'log', 'audit.jsonl');
    const notices: string[] = [];
    const options = {
      path,
      integrity: { origin: ORIGIN, key: { pem: key.pem } },
      onNotice: ({ kind, detail }: { kind: string; detail?: string }) =>
        kind === 'integrity' && notices.push(detail ?? ''),
    };
    const crashed = new FileSink(options);
    for (let seq = 0; seq < 5; seq++) await crashed.emit([numbered(seq)]);
    // Sealed, and left as a crash leaves it: with a state that says so.
    await crashed.flush();
    const crash = join(folder.path, 'crash');
    cpSync(join(path, '..'), crash, { recursive: true, filter: (name) => !name.endsWith('.lock') });
    await crashed.close();
    const left = join(crash, 'audit.jsonl');
    const unvouched = `${encodeLine(numbered(5))}\n${encodeLine(numbered(6))}\n`;
    appendFileSync(left, unvouched);
    writeFileSync(`${layoutOf(left).tail}.boot`, 'another boot');

    const sink = new FileSink({ ...options, path: left });
    expect(await sink.emit([numbered(7)])).to.include({ status: 'delivered' });
    await sink.close();
    const [aside = expect.fail()] = readdirSync(crash).filter((name) => name.includes('.unsealed-'));
    expect(readFileSync(join(crash, aside), 'utf8')).to.equal(unvouched);
    expect(notices.join('\n')).to.include('None of them is signed').and.to.include(aside);
    expect(readdirSync(crash).filter((name) => name.includes('.set-aside-'))).to.deep.equal([]);
    const report = await verifyLogFile(left, { vkeys: [key.vkey] });
    expect(report).to.include({ status: 'intact', size: 6, sealed: 6, origin: ORIGIN });
    folder.remove();
  });

  it('goes on as before after a crash, and with an anchor that has not kept up', async () => {
    const folder = temporaryFolder();
    const key = newKey(ORIGIN);
    const path = join(folder.path, 'audit.jsonl');
    const kept: string[] = [];
    const anchor = Object.assign(({ note }: { note: string }) => void kept.push(note), {
      load: () => kept.slice(0, -1).join(''),
    });
    const notices: string[] = [];
    for (const start of [0, 5, 10]) {
      const sink = new FileSink({
        path,
        integrity: { origin: ORIGIN, key: { pem: key.pem }, anchor },
        onNotice: ({ detail }) => notices.push(detail ?? ''),
      });
      for (let seq = start; seq < start + 5; seq++) await sink.emit([numbered(seq)]);
      await sink.close();
    }
    expect(notices).to.deep.equal([]);
    expect(await verifyLogFile(path, { vkeys: [key.vkey] })).to.include({ ok: true, size: 15 });
    folder.remove();
  });
});
