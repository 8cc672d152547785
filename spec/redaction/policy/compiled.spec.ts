import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';
import { compilePolicies } from '../../../lib/redaction/policy/policy.js';

const compiled = (options: RedactionOptions = {}, tool?: string) => compilePolicies(options)(tool);

describe('a policy, compiled', () => {
  it('lets clean texts pass at one look, unless there is more to search for', () => {
    expect(compiled().quick).to.equal(true);
    expect(compiled({ redactValues: { email: true } }).quick).to.equal(true);
    expect(compiled({ redactValues: { patterns: [/x\d/] } }).quick).to.equal(false);
  });

  it('knows a key that can stand as it is', () => {
    const { keys } = compiled();
    const longest = `${'ab '.repeat(21)}a`;
    for (const key of ['name', 'a b', '', longest]) expect(keys(key).plain, key).to.equal(true);
    for (const key of [`${longest}b`, '__proto__', 'a"b', 'password=x'])
      expect(keys(key).plain, key).to.equal(false);
    expect(compiled({ redactValues: { patterns: [/x/] } }).keys('name').plain).to.equal(false);
  });

  it("adds a tool's own lists to the general ones, and leaves those as they are", () => {
    const options: RedactionOptions = {
      redactPatterns: ['colour'],
      redactPaths: ['data.a'],
      redactValues: { email: true, patterns: [/base\d/] },
      tools: { own: { redactPatterns: ['shape'], redactValues: { patterns: [/own\d/] } }, plain: {} },
    };
    const [all, own, plain] = [compiled(options), compiled(options, 'own'), compiled(options, 'plain')];
    expect([all, own, plain].map(({ patterns }) => patterns.length)).to.deep.equal([1, 2, 1]);
    expect([all, own, plain].map(({ keys }) => keys('colour').verdict)).to.deep.equal([1, 1, 1]);
    expect([all, own, plain].map(({ keys }) => keys('shape').verdict)).to.deep.equal([0, 1, 0]);
    expect([all, own, plain].map(({ on }) => on.has('email'))).to.deep.equal([true, true, true]);
    for (const { paths } of [all, own, plain]) expect(paths).not.to.equal(undefined);
    const policies = compilePolicies(options);
    expect(policies('unheard of')).to.equal(policies(undefined));
  });

  it('takes a path of a tool alone', () => {
    const options: RedactionOptions = { tools: { own: { redactPaths: ['data.b'] }, plain: {} } };
    expect(compiled(options).paths).to.equal(undefined);
    expect(compiled(options, 'plain').paths).to.equal(undefined);
    expect(compiled(options, 'own').paths).not.to.equal(undefined);
    expect(compiled(options, 'plain').patterns).to.deep.equal([]);
  });

  for (const options of [
    { tools: null },
    { tools: 5 },
    { redactPatterns: 'x' },
    { redactValues: { patterns: /x/ } },
    { redactValues: { patterns: ['x'] } },
    { redactValues: { unheard: true } },
    { custom: 'x' },
    { tools: { t: { limits: {} } } },
    { tools: { t: { redactValues: { patterns: ['x'] } } } },
  ])
    it(`is none of ${JSON.stringify(options)}`, () => {
      expect(() => compilePolicies(options as unknown as RedactionOptions)).to.throw(ConfigError);
    });
});
