import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { resolvePipeline, type PipelineOptions, type SinkEntry } from '../../lib/pipeline/options.js';
import type { Ack, Sink } from '../../lib/sinks/sink.js';
import { numbered } from '../support/drafts.js';
import { ScriptedSink } from '../support/scriptedSink.js';

const a = new ScriptedSink('a');
const b = new ScriptedSink('b');
const resolve = (options: Partial<PipelineOptions> = {}) => resolvePipeline({ sinks: [a], ...options });
/** What is decided for the first sink, in figures and names. */
const worker = (options: Partial<PipelineOptions> = {}, entry: Partial<SinkEntry> = {}) => {
  const [first] = resolve({ sinks: [{ sink: a, ...entry }], ...options }).workers;
  const {
    mode,
    ack,
    overflow,
    awaited,
    exportTimeoutMillis,
    scheduledDelayMillis,
    maxQueueSize,
    maxExportBatchSize,
  } = first!;
  return {
    mode,
    ack,
    overflow,
    awaited,
    exportTimeoutMillis,
    scheduledDelayMillis,
    maxQueueSize,
    maxExportBatchSize,
  };
};

describe('the options of a pipeline', () => {
  it('have the defaults of blocking mode', () => {
    expect(worker()).to.deep.equal({
      mode: 'blocking',
      ack: 'written',
      overflow: 'wait',
      awaited: true,
      exportTimeoutMillis: 10_000,
      scheduledDelayMillis: 0,
      maxQueueSize: 10_000,
      maxExportBatchSize: 512,
    });
  });

  it('have the defaults of batch mode, where nobody waits', () => {
    expect(worker({ mode: 'batch' })).to.include({
      ack: 'accepted',
      overflow: 'drop',
      awaited: false,
      scheduledDelayMillis: 100,
    });
  });

  it('have the defaults of strict mode, which wants records on the disk', () => {
    expect(worker({ mode: 'blocking-strict' })).to.include({
      ack: 'durable',
      overflow: 'wait',
      awaited: true,
      scheduledDelayMillis: 0,
    });
  });

  it('are taken as they are given', () => {
    const given = {
      exportTimeoutMillis: 5,
      maxQueueSize: 7,
      maxExportBatchSize: 3,
      scheduledDelayMillis: 9,
      mode: 'batch',
      overflow: 'wait',
    } as const;
    expect(worker(given)).to.deep.equal({
      mode: 'batch',
      ack: 'accepted',
      overflow: 'wait',
      awaited: true,
      exportTimeoutMillis: 5,
      scheduledDelayMillis: 9,
      maxQueueSize: 7,
      maxExportBatchSize: 3,
    });
    expect(worker({ acks: 'durable' })).to.include({ ack: 'durable' });
    expect(worker({ acks: 'durable', mode: 'batch' }), 'nobody waits').to.include({ ack: 'accepted' });
    expect(worker({ overflow: 'drop' })).to.include({ overflow: 'drop', awaited: true });
  });

  it('can be those of one sink', () => {
    expect(worker({ exportTimeoutMillis: 5 }, { exportTimeoutMillis: 50, mode: 'batch' })).to.include({
      exportTimeoutMillis: 50,
      mode: 'batch',
    });
    expect(worker({}, { required: false })).to.include({ mode: 'blocking', awaited: false });
    expect(worker({ mode: 'blocking-strict', sinks: [{ sink: a, required: false }, b] })).to.include({
      mode: 'blocking',
      ack: 'written',
    });
  });

  it('say whether one sink is enough', () => {
    expect(resolve().anyWillDo).to.equal(false);
    expect(resolve({ requiredSinks: 'all' }).anyWillDo).to.equal(false);
    expect(resolve({ requiredSinks: 'any' }).anyWillDo).to.equal(true);
  });

  it('go on where the longest log ended, each filtered one where it ended', () => {
    const logs = [undefined, 4, 9].map((lastSeq, index) =>
      Object.assign(new ScriptedSink(`log ${index}`), lastSeq === undefined ? {} : { lastSeq }),
    );
    const { count, workers, sinks } = resolve({ sinks: logs });
    expect(count.seq).to.equal(10);
    expect(workers.map((each) => each.count.seq)).to.deep.equal([0, 5, 10]);
    expect(sinks).to.deep.equal(logs);
    expect(resolve().count.seq).to.equal(0);
  });

  it('ask a sink to vouch for what is needed, unless nothing is', () => {
    const asked: Ack[] = [];
    const sink: Sink = { emit: () => undefined, requireAck: (ack) => void asked.push(ack) };
    resolve({ sinks: [sink], mode: 'batch' });
    expect(asked).to.deep.equal([]);
    resolve({ sinks: [sink], acks: 'durable' });
    resolve({ sinks: [sink] });
    expect(asked).to.deep.equal(['durable', 'written']);
  });

  it('give sinks of one name names of their own', () => {
    const unnamed: Sink = { emit: () => undefined };
    const { workers } = resolve({
      sinks: [a, unnamed, new ScriptedSink('a'), { emit: () => undefined }, new ScriptedSink('a')],
    });
    expect(workers.map(({ name }) => name)).to.deep.equal(['a', 'sink', 'a#2', 'sink#2', 'a#3']);
  });
});

describe('the options of a pipeline that cannot work', () => {
  const REFUSED: [option: string, options: object][] = [
    ['sinks', { sinks: [] }],
    ['sinks', { sinks: a }],
    ['sinks[1]', { sinks: [a, {}] }],
    ['sinks[0]', { sinks: [null] }],
    ['sinks[0]', { sinks: [{ sink: {} }] }],
    ['sinks[0]', { sinks: ['a'] }],
    ['sinks[0].filters', { sinks: [{ sink: a, filters: {} }] }],
    ['sinks[0].required', { sinks: [{ sink: a, required: 'yes' }] }],
    ['sinks[0].mode', { sinks: [{ sink: a, mode: 'fast' }] }],
    ['sinks[0].exportTimeoutMillis', { sinks: [{ sink: a, exportTimeoutMillis: 0 }] }],
    ['sinks[0].required', { sinks: [{ sink: a, mode: 'blocking-strict', required: false }] }],
    ['mode', { mode: 'strict' }],
    ['mode', { mode: 'blocking-strict', sinks: [{ sink: a, mode: 'blocking' }] }],
    ['acks', { acks: 'maybe' }],
    ['acks', { acks: 'written', mode: 'blocking-strict' }],
    ['requiredSinks', { requiredSinks: 'some' }],
    ['overflow', { overflow: 'block' }],
    ['exportTimeoutMillis', { exportTimeoutMillis: 0 }],
    ['exportTimeoutMillis', { exportTimeoutMillis: 2 ** 31 }],
    ['scheduledDelayMillis', { scheduledDelayMillis: -1 }],
    ['maxQueueSize', { maxQueueSize: 0 }],
    ['maxExportBatchSize', { maxExportBatchSize: 1.5 }],
    ['onError', { onError: 'log' }],
    ['gapRecord', { gapRecord: {} }],
    ['pipeline.linger', { linger: 5 }],
  ];
  for (const [option, options] of REFUSED)
    it(`are refused by name: ${option} in ${JSON.stringify(options)}`, () => {
      expect(() => resolve(options))
        .to.throw(ConfigError)
        .with.property('option', option);
    });

  it('have bounds that can be reached', () => {
    const most = {
      exportTimeoutMillis: 2 ** 31 - 1,
      scheduledDelayMillis: 0,
      maxQueueSize: 1,
      maxExportBatchSize: 1,
      mode: 'batch',
    } as const;
    expect(worker(most)).to.include({
      exportTimeoutMillis: 2 ** 31 - 1,
      scheduledDelayMillis: 0,
      maxQueueSize: 1,
      maxExportBatchSize: 1,
    });
    expect(worker({ mode: 'blocking-strict', acks: 'delivered' })).to.include({ ack: 'delivered' });
  });
});

describe('the filter of a sink', () => {
  const wants = (filter: SinkEntry['filter'] & object, onError?: PipelineOptions['onError']) => {
    const { workers } = resolve({ sinks: [{ sink: a, filter }], ...(onError && { onError }) });
    return workers[0]!.filter!;
  };
  const record = numbered(1, { severity: 'SEVERITY_WARNING', sensitivity: 'SENSITIVITY_RESTRICTED' });

  it('lets through what it names', () => {
    expect(wants({ eventTypes: ['EVENT_TOOL_INVOCATION'] })(record)).to.equal(true);
    expect(wants({ eventTypes: ['EVENT_LOGIN'] })(record)).to.equal(false);
    expect(wants({ sensitivity: ['SENSITIVITY_RESTRICTED'] })(record)).to.equal(true);
    expect(wants({ sensitivity: ['SENSITIVITY_PUBLIC'] })(record)).to.equal(false);
    expect(wants({})(record)).to.equal(true);
  });

  it('lets through a severity and graver ones', () => {
    expect(wants({ minSeverity: 'SEVERITY_NOTICE' })(record)).to.equal(true);
    expect(wants({ minSeverity: 'SEVERITY_WARNING' })(record)).to.equal(true);
    expect(wants({ minSeverity: 'SEVERITY_ERROR' })(record)).to.equal(false);
  });

  it('asks for every part that is given', () => {
    const filter = { eventTypes: ['EVENT_TOOL_INVOCATION'], minSeverity: 'SEVERITY_INFO' } as const;
    expect(wants({ ...filter, predicate: () => true })(record)).to.equal(true);
    expect(wants({ ...filter, predicate: () => false })(record)).to.equal(false);
    expect(wants({ ...filter, sensitivity: ['SENSITIVITY_PUBLIC'] })(record)).to.equal(false);
  });

  it('lets through what its rule fails on, and says so', () => {
    const told: [Error, object][] = [];
    const cause = new Error('broken');
    const broken = () => {
      throw cause;
    };
    expect(wants({ predicate: broken }, (error, info) => void told.push([error, info]))(record)).to.equal(
      true,
    );
    expect(told[0]?.[0].message).to.contain("the filter of sink 'a'");
    expect(told[0]?.[0].cause).to.equal(cause);
    expect(told[0]?.[1]).to.deep.equal({ sink: 'a', lost: 0, records: [] });
  });

  const REFUSED: [option: string, filter: object][] = [
    ['eventTypes', { eventTypes: [] }],
    ['eventTypes', { eventTypes: 'EVENT_LOGIN' }],
    ['eventTypes', { eventTypes: ['EVENT_LOGIN', 'EVENT_OF_TOMORROW'] }],
    ['eventTypes', { eventTypes: [5] }],
    ['sensitivity', { sensitivity: ['toString'] }],
    ['minSeverity', { minSeverity: 'SEVERE' }],
    ['minSeverity', { minSeverity: 'toString' }],
    ['predicate', { predicate: true }],
    ['severity', { severity: 'SEVERITY_INFO' }],
  ];
  for (const [option, filter] of REFUSED)
    it(`is refused by name: ${JSON.stringify(filter)}`, () => {
      expect(() => wants(filter))
        .to.throw(ConfigError)
        .with.property('option', `sinks[0].filter.${option}`);
    });
});
