import { expect } from 'chai';
import { TrustedProxies } from '../lib/callers.js';
import { resolveOptions, type AuditOptions } from '../lib/config.js';
import { ConfigError } from '../lib/errors.js';
import { MemorySink } from './support/memorySink.js';

const good: AuditOptions = { sink: new MemorySink(), environment: 'test' };
const withOption = (options: Record<string, unknown>) => () =>
  resolveOptions({ ...good, ...options } as AuditOptions);

describe('options', () => {
  it('fills in the documented defaults', () => {
    const { settings: all, foreignSpans, pipeline } = resolveOptions(good);
    const { origin, serverOrigin, ...settings } = all;
    expect(origin.current).to.include({ 'service.name': 'mcp-client', 'process.pid': process.pid });
    expect(serverOrigin.current).to.include({ 'service.name': 'mcp-server' });
    expect(settings).to.deep.equal({
      environment: 'test',
      component: 'mcp-client',
      serverComponent: 'mcp-server',
      actorType: 'agent',
      policyTags: [],
      sensitivity: 'SENSITIVITY_INTERNAL',
      sessionId: undefined,
      tenantId: undefined,
      onBehalfOf: undefined,
      profile: 'documented',
      includeOutputs: false,
      recordMeta: [],
      recordHeaders: [],
      proxies: new TrustedProxies('trustedProxies', []),
      forwardingHeader: 'x-forwarded-for',
    });
    expect(foreignSpans).to.equal(true);
    expect(pipeline).to.deep.equal({
      sinks: [good.sink],
      mode: 'blocking',
      requiredSinks: 'all',
      exportTimeoutMillis: 10_000,
      maxQueueSize: 10_000,
      maxExportBatchSize: 512,
      scheduledDelayMillis: 100,
      maxRetryAfterMs: 3_600_000,
    });
  });

  const refused: [what: string, options: Record<string, unknown>, option: string, words: RegExp][] = [
    [
      'no environment',
      { environment: undefined },
      'environment',
      /got undefined, expected a non-empty string/,
    ],
    ['an empty environment', { environment: ' ' }, 'environment', /expected a non-empty string/],
    ['no sink', { sink: undefined }, 'sink', /got undefined, expected a sink/],
    ['no sink in the list', { sink: undefined, sinks: [] }, 'sink', /expected a sink/],
    ['sink and sinks', { sinks: [new MemorySink()] }, 'sinks', /not both/],
    ['a sink without emit', { sink: {} }, 'sink', /got Object, expected an object with an emit method/],
    [
      'a broken sink in the list',
      { sink: undefined, sinks: [new MemorySink(), 7] },
      'sinks[1]',
      /got number/,
    ],
    [
      'an unknown option',
      { enviroment: 'x' },
      'options.enviroment',
      /unknown option; known are .*; did you mean environment\?/,
    ],
    ['a word for propagate', { propagate: 'no' }, 'propagate', /got a string, expected true or false/],
    ['an empty actor', { actorId: '' }, 'actorId', /got an empty string/],
    [
      'an actor of a wrong type',
      { actorId: 7 },
      'actorId',
      /got number, expected a non-empty string or a function/,
    ],
    [
      'requireActor without an actor',
      { requireActor: true },
      'actorId',
      /got undefined, expected a string or a function, since requireActor is set/,
    ],
    ['a requireActor that is no boolean', { requireActor: 1, actorId: 'a' }, 'requireActor', /true or false/],
    ['an empty tenant', { tenantId: '' }, 'tenantId', /got an empty string/],
    ['a hook that is no function', { onToolChanged: 'refuse' }, 'onToolChanged', /expected a function/],
    ['an unknown actor type', { actorType: 'robot' }, 'actorType', /one of 'user', 'agent', 'service'/],
    [
      'an unknown sensitivity',
      { defaultSensitivity: 'HIGH' },
      'defaultSensitivity',
      /'SENSITIVITY_RESTRICTED'/,
    ],
    ['tags that are no list', { policyTags: 'pci' }, 'policyTags', /got a string, expected an array/],
    ['an empty tag', { policyTags: ['a', ''] }, 'policyTags[1]', /expected a non-empty string/],
    ['patterns that are no list', { redactPatterns: 'password' }, 'redactPatterns', /expected an array/],
    ['an unknown profile', { profile: '0.3' }, 'profile', /one of 'documented', '0.2'/],
    ['outputs that are no boolean', { includeOutputs: 'yes' }, 'includeOutputs', /true or false/],
    ['an onError that is no function', { onError: 'log' }, 'onError', /expected a function/],
  ];

  for (const [what, options, option, words] of refused) {
    it(`refuses ${what}`, () => {
      expect(withOption(options))
        .to.throw(ConfigError, words)
        .which.deep.include({ option, code: 'MCP_LOG_ERR_CONFIG' });
    });
  }

  it('never shows the value in the error', () => {
    expect(withOption({ actorType: 'hunter2' }))
      .to.throw(ConfigError)
      .with.property('message')
      .that.does.not.include('hunter2');
  });
});
