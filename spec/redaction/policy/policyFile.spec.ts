import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { parsePolicy } from '../../../lib/redaction/policy/options.js';

/** Every place of a policy in JSON that takes `{ regex }`. */
const PLACES: readonly (readonly [option: string, put: (regex: string) => unknown])[] = [
  ['redactPatterns[0]', (regex) => ({ redactPatterns: [{ regex }] })],
  ['redactValues.patterns[0]', (regex) => ({ redactValues: { patterns: [{ regex, flags: 'i' }] } })],
  ['tools.run.redactPatterns[0]', (regex) => ({ tools: { run: { redactPatterns: [{ regex }] } } })],
  [
    'tools.run.redactValues.patterns[0]',
    (regex) => ({ tools: { run: { redactValues: { patterns: [{ regex }] } } } }),
  ],
];

/** Each takes exponential or high polynomial time where an engine tries one way after the other. */
const REFUSED = [
  '^(a+)+$',
  '(a*)*b',
  '(?:a+){2,}c',
  '(x+x+)+y|(a+)+',
  '(a)\\1+$',
  '(?=(a+))a*b',
  '(a{1,200}){1,100}',
];
const LINEAR = [
  '^(a|a)*$',
  '^(a|aa)+$',
  '^((a+))+$',
  '^(aa?)*$',
  '(.*a){12}b',
  'a*a*a*a*a*b',
  '^(([a-z])+.)+[A-Z]$',
];

describe('a regular expression of a policy in JSON', () => {
  for (const [option, put] of PLACES) {
    for (const regex of REFUSED)
      it(`is refused in ${option}: ${regex}`, () => {
        expect(() => createRedactor(parsePolicy(put(regex)))).to.throw(ConfigError, option);
      });
  }

  for (const regex of LINEAR)
    it(`takes linear time: ${regex}`, () => {
      const keys = createRedactor(parsePolicy({ defaults: false, redactPatterns: [{ regex }] }));
      const values = createRedactor(
        parsePolicy({ defaults: false, redactValues: { patterns: [{ regex }] } }),
      );
      // By trying one way after the other even these take longer than anybody waits.
      const key = `${'a'.repeat(200)}!`;
      const before = process.cpuUsage();
      expect(keys.value({ [key]: 1 })).to.deep.equal({ [key]: 1 });
      expect(values.value(`${'a'.repeat(20_000)}!`)).to.match(/^a+/);
      const { user } = process.cpuUsage(before);
      expect(user / 1_000_000, 'seconds of processor time').to.be.below(10);
    }).timeout(60_000);

  it('is named where it is none', () => {
    for (const regex of ['(', 'a**', '[z-a]'])
      expect(() => parsePolicy({ tools: { run: { redactPatterns: [{ regex }] } } })).to.throw(
        ConfigError,
        'policy.tools.run.redactPatterns[0]',
      );
  });
});
