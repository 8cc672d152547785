// The long round of spoolDamage.spec.ts.
import { PROPERTY_SEED } from '../../support/propertySeed.js';
import { folders } from '../../support/logFolder.js';
import { survivesDamage } from '../../support/spoolDamage.js';

describe(`a spool whose files somebody touches, again and again (${PROPERTY_SEED})`, function () {
  this.timeout(600_000);
  const folder = folders();

  it('delivers each acknowledged record once, or tells of it', () => survivesDamage(folder(), 300));
});
