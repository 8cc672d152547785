import { expect } from 'chai';
import { measureMemory } from '../support/memoryChild.js';

const CLIENTS = 10_000;
const CALLS = 100_000;
/** Per client or call that is over; one object that stays behind weighs more. The rest is what V8 itself moves about. */
const BYTES_EACH = 20;

describe('memory', function () {
  this.timeout(600_000);

  it('[attack 42] is given back by clients that nobody closes, with withLogging', async () => {
    const { left, records } = await measureMemory('clients.ts', 'withLogging', '500');
    expect(records).to.be.at.least(3 * 500);
    expect(left, 'clients that were not collected').to.be.at.most(10);
  });

  for (const how of ['withLogging', 'AuditSpanProcessor']) {
    it(`[attack 42] is given back by ten thousand clients that nobody closes, with ${how} @slow`, async () => {
      const { growth, left, records } = await measureMemory('clients.ts', how, String(CLIENTS));
      expect(records).to.be.at.least(3 * CLIENTS);
      expect(left, 'clients that were not collected').to.be.at.most(10);
      expect(growth).to.be.below(BYTES_EACH * CLIENTS);
    });
  }

  for (const how of ['withLogging', 'AuditSpanProcessor', 'audit']) {
    it(`does not grow with a hundred thousand calls on one client, with ${how} @slow`, async () => {
      const { growth, records } = await measureMemory('calls.ts', how, String(CALLS));
      expect(records).to.equal(how === 'audit' ? 2 * CALLS : CALLS);
      expect(growth).to.be.below(BYTES_EACH * CALLS);
    });
  }
});
