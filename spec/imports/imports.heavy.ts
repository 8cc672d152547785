import { expect } from 'chai';
import { pack } from '../matrix/projects.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { compare, installPackages } from './compare.js';
import { SMALL } from './packages.js';

/** What the modules look like whose bindings are set after they were loaded. */
const LIVE = 'openai 4';

describe('packages that many applications load', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();

  before(() => installPackages(folder.path, { tarball: pack(), packages: Object.values(SMALL) }));
  after(() => folder.remove());

  for (const [name, each] of Object.entries(SMALL))
    it(`has the same exports, values, live bindings and errors as without us: ${name}`, async () => {
      for (const { how, bare, audited } of await compare(folder.path, each)) {
        expect(audited, how).to.deep.equal(bare);
        expect(bare.code, bare.stderr).to.equal(0);
        const [missing, ...loaded] = [...(bare.modules ?? [])].reverse();
        expect(missing?.error?.join(' '), how).to.match(/_NOT_FOUND|_NOT_EXPORTED/);
        if (name !== LIVE || how === 'import')
          for (const { specifier, names } of loaded) expect(names, specifier).not.to.be.empty;
      }
    });
});
