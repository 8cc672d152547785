import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/run.js';
import { CLAUSES, FRAMEWORK_TITLES, FRAMEWORKS } from '../../lib/cli/evidence/clauses.js';
import { CONTROLS, queryWords } from '../../lib/cli/evidence/controls.js';
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
  const section = (title: string) => controls.split(`\n### ${title}\n`)[1]?.split('\n##')[0] ?? '';
  for (const { title, asked, query, shows, cannot, elsewhere } of CONTROLS) {
    it(`says of ‘${title}’ what evidence says`, () => {
      const rows = controls.split('\n').filter((line) => line.startsWith(`| ${title} `));
      expect(rows).to.have.length(1);
      for (const framework of FRAMEWORKS) {
        const clauses = (asked[framework] ?? []).join(', ');
        expect(rows[0]).to.include(clauses);
        expect(section(title)).to.include(clauses);
      }
      const words = query === undefined ? 'none' : `\`${`query ${queryWords(query, {})}`.trim()}\``;
      expect(section(title)).to.include(`- **Query** ${words}\n`);
      for (const text of [shows, cannot, elsewhere]) expect(section(title)).to.include(text);
    });
  }

  for (const framework of FRAMEWORKS)
    it(`says what each clause of ${FRAMEWORK_TITLES[framework]} asks, and cites no other`, () => {
      const cited = new Set<string>(CONTROLS.flatMap(({ asked }) => asked[framework] ?? []));
      expect([...cited].sort()).to.deep.equal(Object.keys(CLAUSES[framework]).sort());
      for (const [clause, asks] of Object.entries(CLAUSES[framework]))
        expect(controls).to.match(new RegExp(`^\\| ${escaped(clause)} +\\| ${escaped(asks)} +\\|$`, 'm'));
    });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^$()|]/g, '\\$&');
}
