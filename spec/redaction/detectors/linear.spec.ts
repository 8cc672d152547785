import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { DETECTORS } from '../../../lib/redaction/detectors/table.js';

/** Every pack, but for telephone numbers, which a library finds. */
const PACKS_ON = { phi: true, finance: true, nationalId: true, contact: { findPhones: () => [] } };

/** Texts that make a careless expression try everything again from every place. */
const WORST = [
  'a',
  '1',
  '1-',
  '1 ',
  '1.',
  '4111.',
  '4111/1111/',
  '\uff14',
  '\uff14\uff0e1 - ',
  'eyJ',
  'eyJ.',
  'eyJ.a',
  'a=',
  'a:',
  '=',
  ':',
  'token=',
  'token="',
  'token=[',
  'token:{"',
  'password\\"',
  'a@',
  'a:a@',
  '//',
  'a//',
  '://',
  '?a=',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  'Bearer ',
  'Basic',
  'sk-',
  'AKIA',
  'ghp_',
  `ghp_${'a'.repeat(36)}`,
  `nsec1${'q'.repeat(58)}`,
  'xox',
  '\\',
  '"\\',
  ' ',
  '\n',
  '--a ',
  '--token ',
  'a.',
  '%3D',
  '%5D',
  '{"',
  '[',
  '[REDACTED]',
  'hmac-sha256:',
  'é',
  '😀',
  'dob ',
  'born on 1',
  'AB12',
  '12 Main ',
  'account number ',
  'AT611904300234573202',
  'AT61 1904 ',
  'MRN 1',
  '1:',
];

const repeated = (part: string, units: number): string => part.repeat(Math.ceil(units / part.length));

/** The least of a few runs: what the work takes when nothing else is at work. */
function least(run: () => unknown): number {
  return Math.min(
    ...Array.from({ length: 3 }, () => {
      const start = process.cpuUsage();
      run();
      const used = process.cpuUsage(start);
      return (used.user + used.system) / 1_000;
    }),
  );
}

describe('[attack 14] expressions', function () {
  this.timeout(120_000);

  it('of the built-in detectors stay linear on their worst texts', () => {
    const every = Object.fromEntries(DETECTORS.map(({ name }) => [name, true]));
    const redactor = createRedactor({ redactValues: every, packs: PACKS_ON });
    for (const part of WORST) {
      // A slow machine takes half a second for the worst; quadratic work would be 10^10 steps, which no machine does in time.
      const took = least(() => redactor.text(repeated(part, 100_000)));
      expect(took, JSON.stringify(part)).to.be.below(5_000);
    }
  });

  it('that are unsafe are refused', () => {
    for (const pattern of [
      /^(a+)+$/,
      /(a*)*b/,
      /(\w+)*x/,
      /([^,]+){2,}/,
      /(?:.*)+/,
      /(?=a)b/,
      /(?<!x)y/,
      /(a)\1/,
      /(a{1,200}){1,100}/,
    ]) {
      expect(() => createRedactor({ redactPatterns: [pattern] }), String(pattern)).to.throw(
        ConfigError,
        /redactPatterns\[0\].*unsafe/,
      );
      expect(() => createRedactor({ redactValues: { patterns: [pattern] } }), String(pattern)).to.throw(
        ConfigError,
        'redactValues.patterns[0]',
      );
    }
  });

  it('that are accepted take linear time, even such as hang other engines', () => {
    for (const pattern of [
      /token$/i,
      /(a|a)*$/,
      /(a|aa)+$/,
      /a*a*a*b/,
      /.*a.*a.*b/,
      /(\w+\s?)*$/,
      /[\w.+-]+@[\w-]+\.[\w.-]+/,
      /^.*secret.*$/,
    ]) {
      const keys = createRedactor({ redactPatterns: [pattern] });
      const values = createRedactor({ defaults: false, redactValues: { patterns: [pattern] } });
      const text = 'a'.repeat(100_000);
      expect(
        least(() => keys.value({ [text]: 1 })),
        `${pattern} on keys`,
      ).to.be.below(2_000);
      expect(
        least(() => values.value(`${text}!`)),
        `${pattern} on values`,
      ).to.be.below(5_000);
    }
  });

  it('match as the language does', () => {
    const redactor = createRedactor({
      defaults: false,
      redactValues: { patterns: [/\bemp-\d{2,}\b/i, /x(?<rest>\/y)/] },
    });
    expect(redactor.value('EMP-12 emp-1 temp-12 x/y')).to.equal('[REDACTED] emp-1 temp-12 [REDACTED]');
  });
});
