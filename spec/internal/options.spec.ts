import { expect } from 'chai';
import { resolveOptions } from '../../lib/config.js';
import { ConfigError } from '../../lib/errors.js';
import { checkOptions, type OptionSetName } from '../../lib/internal/options.js';
import type { OptionSet } from '../../lib/options/option.js';
import { OPTIONS } from '../../lib/options/tables.js';
import { runNode } from '../support/node.js';

/** Every old name, with today's. A name that is added or taken away must be added or taken away here too. */
const RENAMED = {
  DeliveryOptions: {
    sinkTimeoutMs: 'exportTimeoutMillis',
    maxQueue: 'maxQueueSize',
    maxBatch: 'maxExportBatchSize',
    lingerMs: 'scheduledDelayMillis',
  },
  SinkEntry: { deadlineMs: 'exportTimeoutMillis' },
  SpoolOptions: { batchSize: 'maxExportBatchSize' },
} as const satisfies Partial<Record<OptionSetName, Record<string, string>>>;

/** Options with what the set requires beside them. */
const given = (set: OptionSetName, options: object) => {
  const own: OptionSet = OPTIONS[set];
  return Object.fromEntries(
    Object.entries({ sink: {}, directory: 'spool', ...options }).filter(([name]) => name in own),
  );
};

describe('an option under its old name', () => {
  it('is one of these', () => {
    const found: Record<string, Record<string, string>> = {};
    for (const [set, options] of Object.entries<OptionSet>(OPTIONS))
      for (const [name, { renamedTo }] of Object.entries(options))
        if (renamedTo !== undefined) (found[set] ??= {})[name] = renamedTo;
    const { AuditOptions, PipelineOptions, ...own } = found;
    expect(own).to.deep.equal(RENAMED);
    expect(AuditOptions).to.deep.equal(RENAMED.DeliveryOptions);
    expect(PipelineOptions).to.deep.equal(RENAMED.DeliveryOptions);
  });

  for (const [set, names] of Object.entries(RENAMED) as [OptionSetName, Record<string, string>][])
    for (const [old, today] of Object.entries(names)) {
      it(`${old} of ${set} is ${today}`, () => {
        const resolved = checkOptions(set, 'at', given(set, { [old]: 7 })) as Record<string, unknown>;
        expect(resolved)
          .to.include({ [today]: 7 })
          .and.not.have.property(old);
      });

      it(`${old} of ${set} may be given with ${today}, where both are the same`, () => {
        expect(checkOptions(set, 'at', given(set, { [old]: 7, [today]: 7 }))).to.include({ [today]: 7 });
        expect(() => checkOptions(set, 'at', given(set, { [old]: 7, [today]: 8 })))
          .to.throw(ConfigError, `is the old name of ${today}, and the two differ`)
          .with.property('option', `at.${old}`);
      });
    }

  it('is told of once on stderr, each by its name', async () => {
    const { stderr } = await runNode([
      '--input-type=module',
      '-e',
      `import { AuditSpanProcessor } from 'otel-mcp-log';
       for (const environment of ['a', 'b'])
         new AuditSpanProcessor({ environment, sink: { emit() {} }, maxQueue: 5, lingerMs: 9 });`,
    ]);
    expect(stderr.trimEnd().split('\n')).to.deep.equal([
      'otel-mcp-log: the option maxQueue is called maxQueueSize now; the next minor version will not know its old name',
      'otel-mcp-log: the option lingerMs is called scheduledDelayMillis now; the next minor version will not know its old name',
    ]);
  });

  it('is not among the names that an error lists as known', () => {
    expect(() => resolveOptions({ linger: 1 } as never))
      .to.throw(ConfigError, /known are .*scheduledDelayMillis/)
      .with.property('message')
      .that.does.not.include('lingerMs');
  });
});

describe('options that are checked', () => {
  const refused: [set: OptionSetName, options: object, option: string, words: string][] = [
    [
      'LimitOptions',
      { depth: 0 },
      'depth',
      'got a number out of range, expected a whole number from 1 to 128',
    ],
    ['LimitOptions', { depth: 129 }, 'depth', 'expected a whole number from 1 to 128'],
    ['LimitOptions', { breadth: 2.5 }, 'breadth', 'expected a whole number from 2 to 100000'],
    ['LimitOptions', { scanUnits: '1' }, 'scanUnits', 'got a string, expected a whole number of 0 or more'],
    ['FileSinkOptions', { path: '' }, 'path', 'got an empty string, expected a non-empty string'],
    ['FileSinkOptions', {}, 'path', 'got undefined, expected a non-empty string'],
    ['FileSinkOptions', { path: 'a', fsync: 'now' }, 'fsync', "expected one of 'always', 'batch', 'never'"],
    ['AuditedOptions', { policyTags: ['a', ''] }, 'policyTags[1]', 'got an empty string'],
    ['HttpCommonOptions', { fetch: {} }, 'fetch', 'got Object, expected a function'],
    ['McpInstrumentationConfig', { recordInputs: 1 }, 'recordInputs', 'got number, expected true or false'],
    ['RetryOptions', { retries: 3 }, 'retries', 'known are maxAttempts, initialDelayMs, maxDelayMs'],
  ];
  for (const [set, options, option, words] of refused)
    it(`are refused by name: ${JSON.stringify(options)} of ${set}`, () => {
      expect(() => checkOptions(set, 'at', options))
        .to.throw(ConfigError, words)
        .with.property('option', `at.${option}`);
    });

  it('must be an object', () => {
    for (const value of [undefined, null, 7, [], () => undefined])
      expect(() => checkOptions('RetryOptions', 'retry', value as never))
        .to.throw(ConfigError, 'expected an options object')
        .with.property('option', 'retry');
  });

  it('get the defaults that depend on nothing else', () => {
    expect(checkOptions('RetryOptions', 'retry', {})).to.deep.equal({
      maxAttempts: 5,
      initialDelayMs: 500,
      maxDelayMs: 5_000,
    });
    expect(checkOptions('SinkEntry', 'sinks[0]', { sink: {} })).to.deep.equal({ sink: {}, required: true });
  });

  it('may be inherited, as those of a class are', () => {
    const options = Object.create({ maxAttempts: 3 }) as { maxAttempts?: number };
    expect(checkOptions('RetryOptions', 'retry', options)).to.include({ maxAttempts: 3 });
  });
});
