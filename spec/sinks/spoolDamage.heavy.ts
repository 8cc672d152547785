// The long round of spoolDamage.spec.ts.
import { folders } from '../support/logFolder.js';
import { survivesDamage } from '../support/spoolDamage.js';

describe('a spool whose files somebody touches, again and again', function () {
  this.timeout(600_000);
  const folder = folders();

  it('delivers each acknowledged record once, or tells of it', () => survivesDamage(folder(), 300));
});
