// The long round of kill.spec.ts: every place, in every way, and a second process that dies on what the first one left.
import { KilledSpool } from '../../support/killedSpool.js';
import { folders } from '../../support/logFolder.js';

/** One of so many places is tried. */
const STEP = Number(process.env['SPOOL_KILL_STEP'] ?? 1);

describe('a spool whose process is killed, everywhere', function () {
  this.timeout(1_800_000);
  const folder = folders();

  it('has lost no acknowledged record without telling of it, and gives no number twice', async () => {
    const spool = new KilledSpool(folder());
    const changes = await spool.changes();
    for (const [index, name] of changes.entries()) {
      const at = index + 1;
      if (index % STEP !== 0) continue;
      await spool.survives([{ at, how: 'before' }]);
      await spool.survives([{ at, how: 'after' }]);
      if (name.startsWith('write')) await spool.survives([{ at, how: 'half' }]);
      // The second one dies elsewhere each time, early and late.
      const second = 1 + ((at * 37) % changes.length);
      await spool.survives([
        { at, how: 'half' },
        { at: second, how: 'after' },
      ]);
    }
  });
});
