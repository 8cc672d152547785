import { join } from 'node:path';
import { expect } from 'chai';
import type { ErasureOptions } from '../../lib/erasure/options.js';
import { ConfigError } from '../../lib/errors.js';
import { withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('the options of erasure', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  let number = 0;
  const place = () => join(folder.path, String(number++));
  const common = () => ({ sink: new MemorySink(), environment: 'test' });

  it('refuses what cannot work, at start-up', () => {
    const bad: [Record<string, unknown>, string][] = [
      [{}, 'erasure.keys'],
      [{ keys: '' }, 'erasure.keys'],
      [{ keys: {} }, 'erasure.keys'],
      [{ keys: place(), fields: ['seq'] }, 'erasure.fields[0]'],
      [{ keys: place(), subject: 'ann' }, 'erasure.subject'],
      [{ keys: place(), masterKey: 5 }, 'erasure.masterKey'],
      [{ keys: place(), key: 'x' }, 'erasure.key'],
    ];
    for (const [erasure, option] of bad) {
      const make = () =>
        withLogging(pair().client, {
          ...common(),
          erasure: erasure as unknown as ErasureOptions,
        });
      expect(make, option).to.throw(ConfigError).with.property('option', option);
    }
    const small = { limits: { totalBytes: 9_000 } };
    expect(() =>
      withLogging(pair().client, { ...common(), redaction: small, erasure: { keys: place() } }),
    ).to.throw(ConfigError, 'totalBytes');
  });
});
