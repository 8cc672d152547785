import { expect } from 'chai';
import { RequestTally } from '../../lib/processor/requestTally.js';

describe('the requests of a connection, as its closing record counts them', () => {
  const log = {};

  it('are under way where their operation has not ended, each once, and only those that were sent', () => {
    const tally = new RequestTally(() => ['1', '1', '2', 'never sent']);
    for (const id of ['1', '2', '3']) tally.sent([log], id);
    expect(tally.summary(log)).to.include({ sent: 3, recorded: 0, pending: 2, missing: 1 });
    expect(tally.summary(log).missing_ids).to.deep.equal(['3']);
  });

  it('are recorded as often as they were sent, whatever else an operation names', () => {
    const tally = new RequestTally(() => []);
    tally.sent([log], '1');
    tally.settled(log, ['1', '1', 'never sent'], 'recorded');
    tally.settled(log, ['1'], 'recorded');
    tally.settled(log, ['1'], 'excluded');
    expect(tally.summary(log))
      .to.include({ sent: 1, recorded: 1 })
      .and.to.not.have.any.keys('excluded', 'missing');
  });

  it('count once for a log that is named twice, and for each log by itself', () => {
    const other = {};
    const tally = new RequestTally(() => []);
    tally.sent([log, log], '1');
    tally.sent([other], '2');
    expect([tally.summary(log).sent, tally.summary(other).sent]).to.deep.equal([1, 1]);
    expect(tally.summary(other).missing_ids).to.deep.equal(['2']);
  });

  it('are named where no record tells of them: the first twenty, the first 64 characters of each', () => {
    const tally = new RequestTally(() => []);
    for (let id = 0; id < 30; id++) tally.sent([log], String(id));
    expect(tally.summary(log).missing).to.equal(30);
    expect(tally.summary(log).missing_ids).to.deep.equal(Array.from({ length: 20 }, (_, id) => String(id)));
    const long = new RequestTally(() => []);
    long.sent([log], 'x'.repeat(100));
    expect(long.summary(log).missing_ids).to.deep.equal(['x'.repeat(64)]);
  });
});
