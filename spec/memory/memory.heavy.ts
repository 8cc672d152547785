import { expect } from 'chai';
import { measureMemory } from '../support/memoryChild.js';

/** How many calls one client makes. */
const CALLS = Number(process.env['MEMORY_CALLS'] ?? 1_000_000);

describe('memory over a long time', function () {
  this.timeout(3_600_000);

  for (const how of ['withLogging', 'AuditSpanProcessor']) {
    it(`does not grow with ${CALLS} calls on one client, with ${how}`, async () => {
      const { growth, records } = await measureMemory('calls.ts', how, String(CALLS));
      expect(records).to.equal(CALLS);
      expect(growth, 'bytes').to.be.below(2 * 1024 * 1024);
    });
  }
});
