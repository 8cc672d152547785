import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import {
  levelFor,
  resolveLevels,
  type LevelOptions,
  type LevelSubject,
} from '../../../lib/redaction/policy/options.js';

const SUBJECT: LevelSubject = {
  event_type: 'EVENT_TOOL_LIST',
  outcome: 'OUTCOME_SUCCESS',
  resource: 'tools/list',
};

function level(options: LevelOptions, subject: Partial<LevelSubject> = {}) {
  return levelFor(resolveLevels(options), { ...SUBJECT, ...subject });
}

describe('levels', () => {
  for (const [at, options] of [
    ['levels.default', { default: 'All' }],
    ['levels.default', { default: 'None' }],
    ['levels.allowNone', { allowNone: 'yes' }],
    ['levels.events', { events: 5 }],
    ['levels.events', { events: ['None'] }],
    ['levels.events.EVENT_LOGIN', { events: { EVENT_LOGIN: 'None' } }],
    ['levels.events.EVENT_LOGIN', { events: { EVENT_LOGIN: null } }],
    ['levels.events.EVENT_UNHEARD_OF', { events: { EVENT_UNHEARD_OF: 'Request' } }],
    ['levels.tools', { tools: null }],
    ['levels.tools.echo', { tools: { echo: 'All' } }],
    ['levels', { tool: {} }],
  ] as const)
    it(`that cannot be are refused, and it is said where: ${JSON.stringify(options)}`, () => {
      expect(() => resolveLevels(options as unknown as LevelOptions)).to.throw(ConfigError, at);
    });

  it('may say less than all of what must be kept, or nothing where that is meant', () => {
    expect(level({ events: { EVENT_LOGIN: 'Metadata' } }, { event_type: 'EVENT_LOGIN' })).to.equal(
      'Metadata',
    );
    const nothing = { allowNone: true, default: 'None' } as const;
    expect(level(nothing, { event_type: 'EVENT_LOGIN' })).to.equal('None');
    expect(level(nothing, { resource: 'audit/gap' })).to.equal('None');
  });

  it('go from the tool to the event to the default', () => {
    const options = {
      default: 'Metadata',
      events: { EVENT_TOOL_LIST: 'Request' },
      tools: { echo: 'RequestResponse' },
    } as const;
    expect(level(options, { mcp: { method: 'tools/call', tool_name: 'echo' } })).to.equal('RequestResponse');
    expect(level(options, { mcp: { method: 'tools/call', tool_name: 'other' } })).to.equal('Request');
    expect(level(options)).to.equal('Request');
    expect(level(options, { event_type: 'EVENT_TOOL_INVOCATION' })).to.equal('Metadata');
    expect(level({})).to.equal('Request');
  });

  it('keep what must be kept, by its name and little more', () => {
    const none = { events: { EVENT_TOOL_LIST: 'None' } } as const;
    expect(level(none)).to.equal('None');
    expect(level(none, { resource: 'tools/audit/' })).to.equal('None');
    expect(level(none, { resource: 'audit/gap' })).to.equal('Metadata');
    expect(level(none, { outcome: 'OUTCOME_FAILURE_DENIED' })).to.equal('Metadata');
    expect(level(none, { outcome: 'OUTCOME_FAILURE_UNAUTHORIZED' })).to.equal('Metadata');
    expect(level(none, { outcome: 'OUTCOME_FAILURE_ERROR' })).to.equal('None');
    const silent = { tools: { echo: 'None' } } as const;
    expect(
      level(silent, { event_type: 'EVENT_LOGIN', mcp: { method: 'tools/call', tool_name: 'echo' } }),
    ).to.equal('Metadata');
  });

  it('take nothing from what must be kept', () => {
    const all = { default: 'RequestResponse' } as const;
    expect(level(all, { event_type: 'EVENT_LOGIN' })).to.equal('RequestResponse');
    expect(level(all, { resource: 'audit/gap' })).to.equal('RequestResponse');
  });
});
