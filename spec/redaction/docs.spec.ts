import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import { AUDIT_LEVELS, parsePolicy } from '../../lib/redaction/policy/options.js';
import { OPTIONS } from '../../lib/options/tables.js';
import { fillPage, packTable, scoreTable } from './score/page.js';
import { measure, measurePacks } from './score/score.js';

const page = readFileSync(new URL('../../docs/redaction.md', import.meta.url), 'utf8');

/** What stands under a heading, up to the next. */
function section(heading: string): string {
  const found = page.split(/^#{2,3} /m).find((part) => part.startsWith(`${heading}\n`));
  expect(found, heading).to.be.a('string');
  return found ?? '';
}

const rows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/ +\| +/)
        .map((cell) => cell.trim()),
    );

describe('docs/redaction.md', () => {
  it('lists names, words, detectors, tools, shapes and what was measured as they are @slow', async function () {
    this.timeout(60_000);
    const measured = {
      score: () => scoreTable(measure(1)),
      packs: () => packTable(measurePacks(1)),
    };
    expect(await fillPage(page, measured)).to.equal(page);
  });

  it('lists the limits and levels', () => {
    const bound = ([name, , value]: string[]) => [name, /^[\d,]*\d/.exec(value ?? '')?.[0]];
    expect(rows(section('Bounds')).map(bound)).to.deep.equal(
      Object.entries(OPTIONS.LimitOptions).map(([name, option]) => [
        `\`${name}\``,
        option.default.toLocaleString('en-US'),
      ]),
    );
    const levels = rows(section('Levels')).slice(0, AUDIT_LEVELS.length);
    expect(levels.map(([name]) => name)).to.deep.equal(AUDIT_LEVELS.map((level) => `\`${level}\``));
  });

  it('shows one policy in two forms that do the same', () => {
    const fences = [...page.matchAll(/```(ts|json)\n([\s\S]*?)```/g)].map((match) => match[2] ?? '');
    const code = /createRedactor\(([\s\S]*)\);/.exec(fences[0] ?? '')?.[1] ?? '';
    const options: unknown = new Function(`return (${code});`)();
    expect(parsePolicy(JSON.parse(fences[1] ?? ''))).to.deep.equal(options);
    const redactor = createRedactor(parsePolicy(JSON.parse(fences[1] ?? '')));
    expect(
      redactor.value({ patient: { name: 'Ada' }, iban: 'x', note: 'EMP-123456 ada@example.com' }),
    ).to.deep.equal({
      patient: { name: '[REDACTED]' },
      iban: '[REDACTED]',
      note: '[REDACTED] [REDACTED]',
    });
  });
});
