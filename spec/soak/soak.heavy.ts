import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { soak } from './soak.js';

// The soak itself is a step of its own (`npm run soak`); here is shown that it would notice.
describe('the soak', function () {
  this.timeout(900_000);
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  it('notices an application that keeps what it should let go', async () => {
    const size = { seconds: 20, operations: 6_000, clients: 50, perSecond: 1_500 };
    const { operations, faults } = await soak({ ...size, folder: folder.path, seed: 3, leak: true });
    expect(operations).to.be.at.least(6_000);
    expect(faults).to.have.length.greaterThan(0);
    expect(
      faults.every((fault) => /^(heapUsed|rss) went from/.test(fault)),
      faults.join(),
    ).to.equal(true);
    expect(readFileSync(join(folder.path, 'samples.csv'), 'utf8')).to.match(/^second,heapUsed,/);
    expect(readFileSync(join(folder.path, 'samples.svg'), 'utf8')).to.include('<polyline');
  });
});
