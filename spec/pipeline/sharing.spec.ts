import { expect } from 'chai';
import { resolveOptions, type AuditOptions } from '../../lib/config.js';
import { ConfigError } from '../../lib/errors.js';
import { createAuditLog } from '../../lib/processor/auditLog.js';
import { MemorySink } from '../support/memorySink.js';

describe('logs that share a sink', () => {
  const sink = () => new MemorySink();
  const log = (options: Partial<AuditOptions>) =>
    createAuditLog(resolveOptions({ environment: 'test', ...options } as AuditOptions), 'clients');
  const onError = () => undefined;
  const predicate = () => true;

  const differing: [string, (shared: MemorySink) => [Partial<AuditOptions>, Partial<AuditOptions>]][] = [
    [
      'onError',
      (shared) => [
        { sink: shared, onError },
        { sink: shared, onError: () => undefined },
      ],
    ],
    ['onError', (shared) => [{ sink: shared }, { sink: shared, onError }]],
    ['mode', (shared) => [{ sink: shared }, { sink: shared, mode: 'batch' }]],
    ['maxQueueSize', (shared) => [{ sink: shared }, { sink: shared, maxQueueSize: 5 }]],
    [
      'exportTimeoutMillis',
      (shared) => [
        { sink: shared, exportTimeoutMillis: 1 },
        { sink: shared, exportTimeoutMillis: 2 },
      ],
    ],
    [
      'sinks[0].filter',
      (shared) => [
        { sinks: [{ sink: shared, filter: { predicate } }] },
        { sinks: [{ sink: shared, filter: { predicate: () => true } }] },
      ],
    ],
    [
      'sinks[0].filter',
      (shared) => [
        { sink: shared },
        { sinks: [{ sink: shared, filter: { minSeverity: 'SEVERITY_ERROR' } }] },
      ],
    ],
    ['sinks[0].required', (shared) => [{ sink: shared }, { sinks: [{ sink: shared, required: false }] }]],
    ['sinks', (shared) => [{ sink: shared }, { sinks: [shared, sink()] }]],
  ];
  for (const [option, make] of differing)
    it(`must agree on ${option}, or the second is refused by that name`, async () => {
      const [first, second] = make(sink());
      const { close } = log(first);
      expect(() => log(second))
        .to.throw(ConfigError, /in use by another audit log/)
        .with.property('option', option);
      await close();
      await log(second).close();
    });

  const agreeing: [string, (shared: MemorySink) => [Partial<AuditOptions>, Partial<AuditOptions>]][] = [
    [
      'one leaves out what the other writes down',
      (shared) => [
        { sink: shared },
        {
          sinks: [{ sink: shared, required: true }],
          mode: 'blocking',
          acks: 'written',
          maxQueueSize: 10_000,
        },
      ],
    ],
    [
      'the same function',
      (shared) => [
        { sinks: [{ sink: shared, filter: { predicate } }], onError },
        { sinks: [{ sink: shared, filter: { predicate } }], onError },
      ],
    ],
    [
      'what is a matter of each log',
      (shared) => [
        { sink: shared, actorId: 'ann', environment: 'one' },
        { sink: shared, actorId: 'bob', environment: 'two', includeOutputs: true },
      ],
    ],
  ];
  for (const [what, make] of agreeing)
    it(`are one log: ${what}`, async () => {
      const [first, second] = make(sink()).map((options) => log(options));
      expect(first!.pipeline).to.equal(second!.pipeline);
      await first!.close();
    });

  it('tell once of an operation that an earlier process left open', async () => {
    const shared = Object.assign(sink(), {
      unfinishedIntents: [{ record_id: 'one', resource: 'tools/pay', operation_id: 'two' } as never],
    });
    const logs = Array.from({ length: 5 }, () => log({ sink: shared }));
    await logs[0]!.pipeline.forceFlush();
    expect(shared.records.map(({ error }) => error?.type)).to.deep.equal(['unknown_outcome']);
    await logs[0]!.close();
  });
});
