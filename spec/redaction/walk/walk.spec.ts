import { expect } from 'chai';
import { createRedactor, bareRecord } from '../../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';
import { walk } from '../../../lib/redaction/walk/walk.js';
import { draftRecord } from '../../support/draftRecord.js';
import { passOf } from '../../support/passOf.js';

const R = '[REDACTED]';
const walked = (value: unknown, options?: RedactionOptions) => walk(value, passOf(options), undefined);

describe('a value that is walked', () => {
  it('hides by what is left of a key once a secret is out of it', () => {
    expect(walked({ 'token=count_of_things': 'v' })).to.deep.equal({ [`token=${R}`]: R });
    expect(walked({ 'note user:hunter2222@host': 'v' })).to.deep.equal({ [`note ${R}@host`]: 'v' });
  });

  it('hides what follows a flag in a list, and the second of a pair', () => {
    expect(walked(['run', '--token', 'abcd', 'x'])).to.deep.equal(['run', '--token', R, 'x']);
    expect(walked(['token', 'abcd'])).to.deep.equal(['token', R]);
    expect(walked(['x', 'token', 'abcd'])).to.deep.equal(['x', 'token', 'abcd']);
  });

  it('tells how many entries there were of which it keeps the first', () => {
    for (const value of [Object.fromEntries('abcdef'.split('').map((key) => [key, 1])), [1, 2, 3, 4, 5, 6]]) {
      const pass = passOf({ limits: { breadth: 4 } });
      const kept = walk(value, pass, undefined) as object;
      expect(Object.keys(kept)).to.have.length(4);
      expect(pass.cuts).to.deep.equal([{ path: '', original_entries: 6 }]);
    }
  });
});

describe('a record whose redaction failed', () => {
  it('has no field that it did not have', () => {
    const draft = draftRecord();
    expect(Object.keys(bareRecord(draft))).to.have.members(Object.keys(draft));
    const { mcp, ...rest } = { ...draft, mcp: { method: 'tools/call', tool_name: 'echo', legs: [] } };
    expect(bareRecord(rest)).not.to.have.property('mcp');
    expect(Object.keys(bareRecord({ ...rest, mcp }).mcp ?? {})).to.have.members(Object.keys(mcp));
  });
});

describe('a record that is redacted', () => {
  it('has no detail of MCP that it did not have', () => {
    const { mcp: _, ...rest } = draftRecord();
    expect(createRedactor().record(rest)).not.to.have.property('mcp');
  });

  it('has a message that is no URI', () => {
    const [message, resource] = ['memo:x?y=1', 'memo:x?y=1'];
    const record = createRedactor().record({ ...draftRecord(), message, resource });
    expect([record.message, record.resource]).to.deep.equal([message, `memo:x?y=${R}`]);
  });
});
