import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { matrixTable } from './table.js';

describe('the patching matrix', () => {
  it('is in docs/runtimes.md as `npm run matrix` prints it, with a tick in every cell', () => {
    const page = readFileSync(new URL('../../docs/runtimes.md', import.meta.url), 'utf8');
    expect(page).to.include(matrixTable(() => true));
  });

  it('shows a cell as failed where one SDK failed, and as open where one was not run', () => {
    const failed = matrixTable(({ sdk, column }) => !(sdk === 'v1' && column.node === '26'));
    expect(failed.match(/✖/g)).to.have.length(2 * (failed.split('\n').length - 2));
    expect(matrixTable(({ sdk }) => (sdk === 'v1' ? true : undefined)))
      .to.include('–')
      .and.not.include('✔');
  });
});
