import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/run.js';
import {
  CLAUSES,
  FRAMEWORK_SOURCES,
  FRAMEWORK_TITLES,
  FRAMEWORKS,
  type Framework,
} from '../../lib/cli/evidence/clauses.js';
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

/** What the page calls them in the lines 'Asked by'. */
const SHORT: Readonly<Record<Framework, string>> = {
  pci: 'PCI DSS',
  hipaa: 'HIPAA',
  soc2: 'SOC 2',
  iso: 'ISO 27001',
  nist: 'NIST 800-53',
  fedramp: 'FedRAMP',
  aiact: 'EU AI Act',
  airmf: 'NIST AI RMF',
  iso42001: 'ISO 42001',
  dora: 'DORA',
  sec: 'SEC',
};

describe('docs/controls.md', () => {
  const section = (title: string) => controls.split(`\n### ${title}\n`)[1]?.split('\n##')[0] ?? '';
  for (const { title, asked, query, shows, cannot, elsewhere } of CONTROLS) {
    it(`says of ‘${title}’ what evidence says`, () => {
      const rows = controls.split('\n').filter((line) => line.startsWith(`| ${title} `));
      const cells = rows.flatMap((row) => row.split('|').slice(2, -1));
      expect(cells.map((cell) => cell.trim())).to.deep.equal(
        FRAMEWORKS.map((framework) => (asked[framework] ?? []).join(', ')),
      );
      const askedBy = FRAMEWORKS.flatMap((framework) => {
        const clauses = asked[framework]?.join(', ');
        return clauses === undefined ? [] : [`${SHORT[framework]} ${clauses}`];
      });
      expect(section(title)).to.include(`- **Asked by** ${askedBy.join('; ')}\n`);
      const words = query === undefined ? 'none' : `\`${`query ${queryWords(query, {})}`.trim()}\``;
      expect(section(title)).to.include(`- **Query** ${words}\n`);
      for (const text of [shows, cannot, elsewhere]) expect(section(title)).to.include(text);
    });
  }

  it('says where the text of each framework is', () => {
    for (const framework of FRAMEWORKS) {
      const row = controls.split('\n').find((line) => line.startsWith(`| \`${framework}\` `));
      expect(row).to.include(FRAMEWORK_TITLES[framework]).and.to.include(FRAMEWORK_SOURCES[framework]);
    }
  });

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
