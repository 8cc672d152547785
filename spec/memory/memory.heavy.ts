import { expect } from 'chai';
import { measureMemory } from '../support/memoryChild.js';

const CALLS = 1_000_000;

describe('memory over a long time', function () {
  this.timeout(3_600_000);

  for (const how of ['withLogging', 'AuditSpanProcessor']) {
    it(`does not grow with a million calls on one client, with ${how}`, async () => {
      const { growth, records } = await measureMemory('calls.ts', how, String(CALLS));
      expect(records).to.equal(CALLS);
      expect(growth, 'bytes').to.be.below(2 * 1024 * 1024);
    });
  }
});
