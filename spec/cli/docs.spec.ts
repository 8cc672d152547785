import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/run.js';
import { CONTROLS, FRAMEWORKS } from '../../lib/cli/evidence/controls.js';
import { runCli } from '../support/builtCli.js';

const cli = readFileSync('docs/cli.md', 'utf8');
const controls = readFileSync('docs/controls.md', 'utf8');

/** A section of the page, up to the next of its rank. */
function sectionOf(title: string): string {
  const [, text] = cli.split(`\n## ${title}\n`);
  return text?.split('\n## ')[0] ?? '';
}

describe('docs/cli.md', () => {
  for (const name of Object.keys(COMMANDS)) {
    it(`has every option of ${name}, no other, and its exit codes`, async () => {
      const { stdout } = await runCli([name, '--help']);
      const written = sectionOf(`\`${name}\``);
      const shared = written.includes('(#filters)') ? sectionOf('Filters') : '';
      const names = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, option]) => option);
      const real = names(stdout, /^ {2,6}(?:-\w, +)?(--[\w-]+)/gm).filter((option) => option !== '--help');
      const told = names(`${shared}\n${written}`, /^\| `(?:-\w, )?(--[\w-]+)/gm);
      expect([...told].sort()).to.deep.equal([...real].sort());
      const exits = stdout.split('Exit codes:\n')[1]?.split('\n\n')[0] ?? '';
      for (const [, code, meaning] of exits.matchAll(/^ +(\d+) +(.*)$/gm))
        expect(written).to.match(
          new RegExp(`^\\| ${code} +\\| ${meaning!.replace(/[.*+?^$()|]/g, '\\$&')} `, 'm'),
        );
    });
  }
});

describe('docs/controls.md', () => {
  for (const { title, asked, shows, cannot } of CONTROLS) {
    it(`says of ‘${title}’ what evidence says`, () => {
      const rows = controls.split('\n').filter((line) => line.startsWith(`| ${title} `));
      expect(rows).to.have.length(2);
      for (const framework of FRAMEWORKS) expect(rows[0]).to.include((asked[framework] ?? []).join(', '));
      expect(rows[1]).to.include(shows).and.to.include(cannot);
    });
  }
});
