import { expect } from 'chai';
import { folders } from '../support/logFolder.js';
import { crashLoop } from './crashLoop.js';

describe('processes that are killed one after the other over the same log', function () {
  this.timeout(120_000);
  const folder = folders();

  it('lose nothing that was acknowledged, and leave a log that verifies @slow', async () => {
    const report = await crashLoop(folder(), 1, { rounds: 12, ms: 60_000 });
    expect(report.rounds).to.equal(12);
    expect(report.acknowledged).to.be.greaterThan(12);
    expect(report.lost).to.deep.equal([]);
    expect(report.wrong).to.deep.equal([]);
  });
});
