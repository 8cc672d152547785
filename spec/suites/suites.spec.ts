import { expect } from 'chai';
import { differingScenarios, scenariosIn } from './conformance.js';
import { differing, fileOf, outcomeOf } from './suites.js';

const test = (fullName: string, status = 'passed') => ({ fullName, status });
const report = (
  ...files: { name: string; status: string; assertionResults: ReturnType<typeof test>[] }[]
) => {
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  return { numTotalTests: tests.length, numPassedTests: passed, testResults: files };
};

describe("the comparison of others' suites", () => {
  const bare = report(
    { name: '/sdk/test/a.test.ts', status: 'failed', assertionResults: [test('one'), test('two', 'failed')] },
    { name: '/sdk/test/b.test.ts', status: 'passed', assertionResults: [test('three')] },
  );

  it('counts the tests, and names those that did not pass', () => {
    expect(outcomeOf(bare, '/sdk')).to.deep.equal({
      total: 3,
      passed: 2,
      others: ['failed: test/a.test.ts: two'],
    });
  });

  it('names a file that could not be loaded', () => {
    const broken = report({ name: '/sdk/test/c.test.ts', status: 'failed', assertionResults: [] });
    expect(outcomeOf(broken, '/sdk').others).to.deep.equal(['failed: test/c.test.ts']);
  });

  it('tells what differs and where, in either direction, and not what fails in both', () => {
    const audited = report(
      {
        name: '/sdk/test/a.test.ts',
        status: 'failed',
        assertionResults: [test('one'), test('two', 'failed')],
      },
      { name: '/sdk/test/b.test.ts', status: 'failed', assertionResults: [test('three', 'failed')] },
    );
    const [one, other] = [outcomeOf(bare, '/sdk'), outcomeOf(audited, '/sdk')];
    expect(differing(one, one)).to.deep.equal([]);
    expect(differing(one, other)).to.deep.equal(['with us only: failed: test/b.test.ts: three']);
    expect(differing(other, one)).to.deep.equal(['without us only: failed: test/b.test.ts: three']);
    expect(fileOf(differing(one, other)[0]!)).to.equal('test/b.test.ts');
  });

  it('reads the scenarios of the conformance suite', () => {
    const output =
      'Client timed out\n\n✓ initialize: 1 passed, 0 failed\n✗ sse-retry: 2 passed, 1 failed\n\nTotal: 3 passed';
    const scenarios = scenariosIn(output);
    expect([...scenarios]).to.deep.equal([
      ['initialize', '1 passed, 0 failed'],
      ['sse-retry', '2 passed, 1 failed'],
    ]);
    expect(differingScenarios(scenarios, scenarios)).to.deep.equal([]);
    expect(differingScenarios(scenarios, new Map([['initialize', '1 passed, 0 failed']]))).to.deep.equal([
      'sse-retry',
    ]);
  });
});
