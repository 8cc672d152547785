import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import { Completion, joined } from '../../lib/pipeline/completion.js';

describe('what a caller waits for', () => {
  const failure = (sink: string) =>
    new SinkError(sink, `${sink} failed`, { code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
  const state = async (promise: Promise<void>) => {
    promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    const pending = {};
    return Promise.race([promise, Promise.resolve(pending)]).then(
      (value) => (value === pending ? 'pending' : 'fulfilled'),
      (error: SinkError) => error,
    );
  };

  it('is every sink', async () => {
    const completion = new Completion(2, false);
    completion.delivered();
    expect(await state(completion.promise)).to.equal('pending');
    completion.delivered();
    expect(await state(completion.promise)).to.equal('fulfilled');
  });

  it('is one sink where any will do', async () => {
    const completion = new Completion(2, true);
    completion.failed(failure('a'));
    expect(await state(completion.promise)).to.equal('pending');
    completion.delivered();
    expect(await state(completion.promise)).to.equal('fulfilled');
  });

  it('fails when all have spoken, with the failure of one as it is', async () => {
    const completion = new Completion(2, false);
    const error = failure('a');
    completion.failed(error);
    expect(await state(completion.promise)).to.equal('pending');
    completion.delivered();
    expect(await state(completion.promise)).to.equal(error);
  });

  it('fails with all failures joined, where there are several', async () => {
    const completion = new Completion(2, true);
    const [one, other] = [failure('a'), failure('b')];
    completion.failed(one);
    completion.failed(other);
    const error = (await state(completion.promise)) as SinkError;
    expect(error).to.include({
      sink: 'a,b',
      message: 'a failed; b failed',
      code: 'MCP_LOG_ERR_SINK_TIMEOUT',
    });
    expect((error.cause as AggregateError).errors).to.deep.equal([one, other]);
    expect(joined([])).to.include({ code: 'MCP_LOG_ERR_SINK' });
  });
});
