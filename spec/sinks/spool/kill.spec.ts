// A process is killed at each change that its spool makes to a file: before a write, a sync, a rename, in the middle, after.
import { expect } from 'chai';
import { KilledSpool, type Kill } from '../../support/killedSpool.js';
import { folders } from '../../support/logFolder.js';

/** How many of the places the short round tries. */
const TRIED = 9;
const WAYS = ['before', 'half', 'after'] as const;

describe('a spool whose process is killed', function () {
  this.timeout(120_000);
  const folder = folders();

  it('has lost no acknowledged record without telling of it, and gives no number twice @slow', async () => {
    const spool = new KilledSpool(folder());
    const changes = await spool.changes();
    expect(changes.filter((name) => name === 'writeSync').length).to.be.greaterThan(10);
    for (let nth = 0; nth < TRIED; nth++) {
      const at = 1 + Math.floor(((nth + 0.5) * changes.length) / TRIED);
      await spool.survives([{ at, how: WAYS[nth % WAYS.length] as Kill['how'] }]);
    }
  });
});
