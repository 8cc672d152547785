// Who may read a log: an administrator lets a shipper read it through its group, and it stays so.
import { chmodSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { FileSink, type FileSinkOptions } from '../../../lib/sinks/file/fileSink.js';
import { numbered } from '../../support/drafts.js';
import { folders } from '../../support/logFolder.js';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('the mode of a log', () => {
  const folder = folders();
  const newLog = () => join(folder(), 'audit.jsonl');
  const modes = (path: string) =>
    readdirSync(dirname(path))
      .filter((name) => /jsonl(\.\d+)?$/.test(name))
      .map((name) => modeOf(join(dirname(path), name)));

  async function session(options: FileSinkOptions, from: number, count = 1): Promise<void> {
    const sink = new FileSink({ onNotice: () => undefined, checkIntervalMs: 0, ...options });
    for (let seq = from; seq < from + count; seq++) await sink.emit([numbered(seq)]);
    await sink.close();
  }

  for (const [what, options, umask] of [
    ['that an option gives', { mode: 0o640 }, 0o022],
    ['that an option gives, whatever the umask', { mode: 0o640 }, 0o077],
  ] as const)
    it(`is the one ${what}, after a restart and after rotations`, async () => {
      const path = newLog();
      const before = process.umask(umask);
      try {
        await session({ path, ...options }, 0);
        await session({ path, ...options, rotate: { maxBytes: 1 } }, 1, 3);
      } finally {
        process.umask(before);
      }
      expect(modes(path)).to.deep.equal(['640', '640', '640', '640']);
    });

  it('is the one that an administrator gave it, after a restart, rotations and a deletion', async () => {
    const path = newLog();
    await session({ path }, 0);
    expect(modeOf(path)).to.equal('600');
    chmodSync(path, 0o640);
    await session({ path }, 1);
    expect(modeOf(path)).to.equal('640');
    await session({ path, rotate: { maxBytes: 1 } }, 2, 3);
    expect(modes(path)).to.deep.equal(['640', '640', '640', '640']);
    const sink = new FileSink({ path, checkIntervalMs: 0, onNotice: () => undefined });
    unlinkSync(path);
    await sink.emit([numbered(9)]);
    await sink.close().catch(() => undefined);
    expect(modeOf(path)).to.equal('640');
  });

  for (const given of [0o644, 0o666, 0o660])
    it(`lets nobody else read, and nobody write: ${given.toString(8)} is narrowed`, async () => {
      const path = newLog();
      writeFileSync(path, '');
      chmodSync(path, given);
      const sink = new FileSink({ path, onNotice: () => undefined });
      expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['mode-narrowed']);
      await sink.close();
      expect(modeOf(path)).to.equal('600');
    });

  for (const mode of [0o644, 0o660, 0o1600, 0o400, -1, 0.5, '640'])
    it(`is refused as ${String(mode)}`, () => {
      expect(() => new FileSink({ path: newLog(), mode: mode as 0o600 })).to.throw(ConfigError, 'mode');
    });
});
