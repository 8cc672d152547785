import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { OPERATIONS } from '../../lib/operations/table.js';

const rows = readFileSync(new URL('../../docs/capture.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'));

describe('docs/capture.md', () => {
  for (const [name, operation] of OPERATIONS) {
    it(`says what ${name} is on record as`, () => {
      const row = rows.find((line) => new RegExp(`\\b${name}\``).test(line.split('|')[1] ?? ''));
      expect(row, name).to.include(`\`${operation.event.documented}\``);
      const family = operation.method.startsWith('tasks/') ? 'tasks/*' : operation.method;
      expect(row, name).to.include(`\`${family}\``);
    });
  }
});
