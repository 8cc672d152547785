import { expect } from 'chai';
import fc from 'fast-check';
import { IntegrityError } from '../../../lib/errors.js';
import { parsePolicy, policyOfAll, witnessKeys } from '../../../lib/integrity/tlog/policy.js';
import { newKey, newWitnessKey } from '../../support/signing.js';

const keys = Object.fromEntries(
  ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name) => [name, newWitnessKey(`witness.example/${name}`)]),
);
const vkey = (name: string): string => keys[name]?.vkey ?? expect.fail();
const log = newKey('audit.example.com/agents');

/** The example of c2sp.org/tlog-policy, with keys. */
const EXAMPLE = `log ${log.vkey}

# the witnesses of one organization
witness X1 ${vkey('X1')} https://x1.example/
witness X2\t${vkey('X2')}
  witness X3 ${vkey('X3')}
group X-witnesses 2 X1 X2 X3

witness Y1 ${vkey('Y1')}
witness Y2 ${vkey('Y2')}
witness Y3 ${vkey('Y3')}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

const verifiersOf = (policy: ReturnType<typeof parsePolicy>, names: readonly string[]) =>
  witnessKeys(policy).filter(({ name }) => names.includes(name.replace('witness.example/', '')));

describe('integrity: witness policies (c2sp.org/tlog-policy)', () => {
  it('are read: logs, witnesses with their addresses, and the rule', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(policy.logs.map(({ name }) => name)).to.deep.equal(['audit.example.com/agents']);
    expect(policy.witnesses.map(({ name, url }) => [name, url]).slice(0, 2)).to.deep.equal([
      ['X1', 'https://x1.example/'],
      ['X2', undefined],
    ]);
    expect(policy.rule).to.equal('2 of (2 of (X1, X2, X3), 1 of (Y1, Y2, Y3))');
  });

  for (const [signers, met] of [
    [['X1', 'X2', 'Y3'], true],
    [['X1', 'X3', 'Y1', 'Y2'], true],
    [['X1', 'X2', 'X3'], false],
    [['X1', 'Y1', 'Y2', 'Y3'], false],
    [[], false],
  ] as const)
    it(`${met ? 'are met' : 'are not met'} by ${signers.join(', ') || 'no witness'}`, () => {
      const policy = parsePolicy(EXAMPLE);
      expect(policy.isMetBy(verifiersOf(policy, signers))).to.equal(met);
    });

  it('may ask for nothing, or for one witness', () => {
    expect(parsePolicy('quorum none\n').isMetBy([])).to.equal(true);
    const one = parsePolicy(`witness X1 ${vkey('X1')}\nquorum X1\n`);
    expect(one.isMetBy([])).to.equal(false);
    expect(one.isMetBy(witnessKeys(one))).to.equal(true);
  });

  it('can be made of witnesses that are all needed', () => {
    const { witnesses } = parsePolicy(EXAMPLE);
    const policy = policyOfAll(witnesses.slice(0, 2));
    expect(policy.isMetBy(verifiersOf(policy, ['X1']))).to.equal(false);
    expect(policy.isMetBy(verifiersOf(policy, ['X1', 'X2']))).to.equal(true);
  });

  it('count a witness whose kind of key cannot be checked here as silent', () => {
    const key = Buffer.concat([Buffer.of(6), Buffer.alloc(1312, 7)]).toString('base64');
    const policy = parsePolicy(`witness Q witness.example/q+00000000+${key}\nquorum Q\n`);
    expect(witnessKeys(policy)).to.deep.equal([]);
    expect(policy.isMetBy([])).to.equal(false);
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ['without a quorum', '', 'has no quorum line'],
    ['with two quorums', 'quorum none\nquorum none\n', 'line 2: a policy has one quorum line'],
    ['with an unknown word', 'quorum none\nwitnesses X\n', "line 2: 'witnesses' is none of"],
    [
      'with a name that is used before it is defined',
      `group G 1 X1\nwitness X1 ${vkey('X1')}\nquorum G\n`,
      'line 1: X1 is not defined',
    ],
    ['with an undefined quorum', 'quorum G\n', 'line 1: G is not defined'],
    [
      'with a name twice',
      `witness X1 ${vkey('X1')}\nwitness X1 ${vkey('X2')}\nquorum X1\n`,
      'line 2: the name X1 is taken',
    ],
    [
      'with a witness twice',
      `witness A ${vkey('X1')}\nwitness B ${vkey('X1')}\nquorum A\n`,
      "line 2: this witness's key is listed",
    ],
    [
      'with a log twice',
      `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`,
      "line 2: this log's key is listed",
    ],
    [
      'with a member of two groups',
      `witness A ${vkey('X1')}\ngroup G any A\ngroup H any A\nquorum G\n`,
      'line 3: A is a member of a group already',
    ],
    [
      'with a threshold above its members',
      `witness A ${vkey('X1')}\ngroup G 2 A\nquorum G\n`,
      'line 2: expected all, any, or a number from 1 to 1',
    ],
    [
      'with a threshold of zero',
      `witness A ${vkey('X1')}\ngroup G 0 A\nquorum G\n`,
      'line 2: expected all, any',
    ],
    ['with a group of none', 'group G all\nquorum G\n', 'line 1: expected: group'],
    [
      'with a witness called none',
      `witness none ${vkey('X1')}\nquorum none\n`,
      "line 1: the name 'none' is reserved",
    ],
    [
      'with the key of a log as a witness',
      `witness A ${log.vkey}\nquorum A\n`,
      'line 1: the verifier key is not the Ed25519 key of a witness',
    ],
    [
      'with the key of a witness as a log',
      `log ${vkey('X1')}\nquorum none\n`,
      'line 1: the verifier key is not an Ed25519 key of a log',
    ],
    [
      'with an address of another kind',
      `witness A ${vkey('X1')} ftp://x\nquorum A\n`,
      'line 1: the URL is not one of http or https',
    ],
    ['with carriage returns', 'quorum none\r\n', 'line 1: control characters'],
  ];
  for (const [what, text, message] of wrong)
    it(`are refused ${what}`, () => {
      expect(() => parsePolicy(text)).to.throw(IntegrityError, message);
    });

  it('of any bytes are a policy, or an IntegrityError', () => {
    const words = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'any',
      '2',
      'A',
      'B',
      vkey('X1'),
      '#',
    );
    const line = fc.array(words, { maxLength: 6 }).map((parts) => parts.join(' '));
    const text = fc.oneof(
      fc.array(line).map((lines) => lines.join('\n')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (policy) => {
        try {
          expect(parsePolicy(policy).isMetBy([])).to.be.a('boolean');
        } catch (error) {
          expect(error).to.be.instanceOf(IntegrityError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
