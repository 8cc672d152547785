import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { TOPICS, type Severity } from '../../lib/doctor/finding.js';

interface Topic {
  readonly severity: Severity;
  readonly meaning: string;
  readonly remedy?: string;
}

describe('docs/troubleshooting.md', () => {
  const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8');
  const sections = new Map(
    page.split(/^### /m).map((section): [string, string] => {
      const [heading = '', ...body] = section.split('\n');
      return [heading.replaceAll('`', ''), body.join('\n')];
    }),
  );

  for (const [name, { severity, meaning, remedy }] of Object.entries<Topic>(TOPICS)) {
    it(`says of ${name} what the doctor says`, () => {
      expect(sections.get(name)?.trim()).to.include(
        [`_${severity}._ ${meaning}`, remedy].filter(Boolean).join('\n\n'),
      );
    });
  }

  it('says nothing of findings that there are none of', () => {
    const topics = [...sections.keys()].slice(1);
    expect(topics).to.deep.equal(Object.keys(TOPICS));
  });
});
