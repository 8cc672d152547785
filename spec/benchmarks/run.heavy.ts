import { expect } from 'chai';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { readResults } from '../../benchmarks/harness/results.js';
import { questions } from '../../benchmarks/questions/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('npm run bench', function () {
  this.timeout(600_000);
  const folder = temporaryFolder();

  it('--quick answers each quick question with a figure for each case, and each ratio', () => {
    const json = join(folder.path, 'quick.json');
    const printed = execFileSync('npm', ['run', '--silent', 'bench', '--', '--quick', '--json', json], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const answers = readResults(json);
    const quick = questions.filter((question) => question.quick);
    expect(Object.keys(answers)).to.deep.equal(quick.map(({ name }) => name));
    for (const { name, ratios } of quick) {
      const answer = answers[name]!;
      expect(answer.ratios.map((ratio) => ratio.name)).to.deep.equal(ratios.map((ratio) => ratio.name));
      const values = [
        ...answer.cases.flatMap(({ figures }) => Object.values(figures)),
        ...answer.ratios.map(({ value }) => value),
      ];
      expect(values.flat().every(Number.isFinite), name).to.equal(true);
      expect(printed).to.contain(`## ${name}: `);
    }
  });

  it('says which question it does not know', () => {
    const ask = () =>
      execFileSync('npm', ['run', '--silent', 'bench', '--', '--only', 'nothing'], {
        cwd: root,
        stdio: 'pipe',
      });
    expect(ask).to.throw("no question is called 'nothing'");
  });
});
