import { expect } from 'chai';
import { audit, audited } from '../../lib/decorators/audited.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { bundled } from '../support/bundled.js';
import { MemorySink } from '../support/memorySink.js';
import { runNode } from '../support/node.js';

const options = { eventType: 'EVENT_MODEL_INFERENCE', resource: 'models/m' } as const;

class Streams {
  finished = 0;

  @audited({ ...options, data: ({ result }) => ({ result }) })
  *numbers(upTo: number): Generator<number, string> {
    try {
      for (let n = 1; n <= upTo; n++) yield n;
      return 'all';
    } finally {
      this.finished++;
    }
  }

  @audited(options)
  async *tokens(upTo: number): AsyncGenerator<number, string, string | undefined> {
    try {
      for (let n = 1; n <= upTo; n++) {
        await Promise.resolve();
        if ((yield n) === 'stop') throw new RangeError('stopped');
      }
      return 'all';
    } finally {
      this.finished++;
    }
  }
}

describe('@audited generators', () => {
  let sink: MemorySink;
  let processor: AuditSpanProcessor;
  let streams: Streams;

  beforeEach(() => {
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ sink, environment: 'test' });
    streams = new Streams();
  });
  afterEach(() => processor.shutdown());

  const outcomes = async () => {
    await processor.forceFlush();
    return sink.records.map(({ outcome, error }) => [outcome, error?.type]);
  };

  it('are one record each, with the value that they return', async () => {
    expect([...streams.numbers(3)]).to.deep.equal([1, 2, 3]);
    const seen: number[] = [];
    for await (const token of streams.tokens(3)) seen.push(token);
    expect(seen).to.deep.equal([1, 2, 3]);
    expect(await outcomes()).to.deep.equal([
      ['OUTCOME_SUCCESS', undefined],
      ['OUTCOME_SUCCESS', undefined],
    ]);
    expect(sink.records[0]?.data).to.deep.equal({ result: 'all' });
  });

  it('stay generators of their own functions', () => {
    const generator = streams.numbers(2);
    expect(Object.prototype.toString.call(generator)).to.equal('[object Generator]');
    expect(generator[Symbol.iterator]()).to.equal(generator);
    expect(generator.next()).to.deep.equal({ value: 1, done: false });
    expect(generator.return('early')).to.deep.equal({ value: 'early', done: true });
    const tokens = streams.tokens(1);
    expect(tokens[Symbol.asyncIterator]()).to.equal(tokens);
    expect(streams.tokens).to.include({ name: 'tokens', length: 1 });
  });

  it('that the reader leaves early are PARTIAL, and run their finally blocks', async () => {
    for (const number of streams.numbers(3)) if (number === 2) break;
    for await (const token of streams.tokens(3)) if (token === 2) break;
    expect(streams.finished).to.equal(2);
    expect(await outcomes()).to.deep.equal([
      ['OUTCOME_PARTIAL', 'abandoned'],
      ['OUTCOME_PARTIAL', 'abandoned'],
    ]);
    expect(sink.records[0]?.message).to.equal('Ran numbers: stopped before the end.');
  });

  it('that throw are failures, and the reader gets what was thrown', async () => {
    const tokens = streams.tokens(3);
    await tokens.next();
    let reason: unknown;
    await tokens.next('stop').catch((error: unknown) => (reason = error));
    const numbers = streams.numbers(3);
    numbers.next();
    expect(() => numbers.throw(new TypeError('mine'))).to.throw(TypeError, 'mine');
    expect(reason).to.be.instanceOf(RangeError);
    expect(await outcomes()).to.deep.equal([
      ['OUTCOME_FAILURE_ERROR', 'RangeError'],
      ['OUTCOME_FAILURE_ERROR', 'TypeError'],
    ]);
  });

  it('that are never read do nothing, and leave no record', async () => {
    streams.numbers(3);
    streams.numbers(3).return('unread');
    await streams.tokens(3).return('unread');
    expect(await outcomes()).to.deep.equal([]);
  });

  it('keep the order of steps that are asked for at once', async () => {
    const tokens = streams.tokens(2);
    const steps = await Promise.all([tokens.next(), tokens.next(), tokens.next(), tokens.next()]);
    expect(steps.map(({ value, done }) => [value, done])).to.deep.equal([
      [1, false],
      [2, false],
      ['all', true],
      [undefined, true],
    ]);
    expect(await outcomes()).to.have.length(1);
  });

  it('whose parameters cannot be made are failures', async () => {
    const broken = audit(options, function* (value: string = expect.fail('no default')) {
      yield value;
    });
    expect(() => broken()).to.throw('no default');
    expect(await outcomes()).to.deep.equal([['OUTCOME_FAILURE_ERROR', 'AssertionError']]);
  });

  it('that are dropped half read are on record once they are collected', async () => {
    const script = bundled(new URL('fixtures/dropped.ts', import.meta.url));
    const { code, stdout, stderr } = await runNode(['--expose-gc', script]);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal(['OUTCOME_PARTIAL abandoned']);
  });
});
