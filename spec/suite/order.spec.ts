import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { seedFrom, shuffled } from '../support/shuffle.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = ['leaves', 'tidy'].map((name) => `spec/suite/fixtures/${name}.ts`);

/** What mocha says of the fixtures, in an order that a seed gives. */
function run(seed?: string) {
  const args = ['node_modules/mocha/bin/mocha.js', '--reporter', 'spec', ...fixtures];
  const env = { ...process.env, MOCHA_SHUFFLE: seed };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('the order of the spec files', () => {
  it('is the same for the same seed, and another for others', () => {
    const files = Array.from({ length: 50 }, (_, index) => `${index}.spec.ts`);
    expect(shuffled(files, 7)).to.deep.equal(shuffled(files, 7)).and.not.to.deep.equal(files);
    expect(shuffled(files, 7)).not.to.deep.equal(shuffled(files, 8));
    expect(shuffled(files, 7)).to.have.members(files);
  });

  it('comes from a number, or from one that is made up', () => {
    expect(seedFrom('42')).to.equal(42);
    expect(seedFrom('random')).to.be.within(0, 2 ** 32 - 1);
    for (const value of ['-1', '1.5', 'seven', '4294967296'])
      expect(() => seedFrom(value), value).to.throw(RangeError, 'MOCHA_SHUFFLE');
  });

  it('cannot matter, since a file that leaves something behind fails by name, in any order @slow', function () {
    this.timeout(120_000);
    for (const first of fixtures) {
      let seed = 0;
      while (shuffled(fixtures, seed)[0] !== first) seed++;
      const { status, output } = run(String(seed));
      expect(status).to.equal(1);
      expect(output).to.include(`MOCHA_SHUFFLE=${seed}\n`).and.to.include('2 passing');
      const tidyFirst = output.indexOf('a tidy file') < output.indexOf('a file that leaves');
      expect(tidyFirst).to.equal(first.includes('tidy'));
      expect(output).to.match(/1 failing\s+1\) a file that leaves things behind\s+"after all" hook/);
      for (const what of ['still enabled', 'opentelemetry.js.api.1', 'LEFT_BEHIND', 'listeners of SIGHUP'])
        expect(output).to.include(what);
    }
  });
});
