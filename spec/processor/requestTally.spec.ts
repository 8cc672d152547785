import { expect } from 'chai';
import { RequestLedger } from '../../lib/processor/requestTally.js';

describe('the requests of a connection, as its closing record counts them', () => {
  const log = {};

  it('are under way where their operation has not ended, each once, and only those that were sent', () => {
    const ledger = new RequestLedger(() => ['1', '1', '2', 'never sent']);
    for (const id of ['1', '2', '3']) ledger.sent([log], id);
    expect(ledger.summary(log)).to.include({ sent: 3, recorded: 0, pending: 2, missing: 1 });
    expect(ledger.summary(log).missing_ids).to.deep.equal(['3']);
  });

  it('are recorded as often as they were sent, whatever else an operation names', () => {
    const ledger = new RequestLedger(() => []);
    ledger.sent([log], '1');
    ledger.settled(log, ['1', '1', 'never sent'], 'recorded');
    ledger.settled(log, ['1'], 'recorded');
    ledger.settled(log, ['1'], 'excluded');
    expect(ledger.summary(log))
      .to.include({ sent: 1, recorded: 1 })
      .and.to.not.have.any.keys('excluded', 'missing');
  });

  it('count once for a log that is named twice, and for each log by itself', () => {
    const other = {};
    const ledger = new RequestLedger(() => []);
    ledger.sent([log, log], '1');
    ledger.sent([other], '2');
    expect([ledger.summary(log).sent, ledger.summary(other).sent]).to.deep.equal([1, 1]);
    expect(ledger.summary(other).missing_ids).to.deep.equal(['2']);
  });

  it('are named where no record tells of them: the first twenty, the first 64 characters of each', () => {
    const ledger = new RequestLedger(() => []);
    for (let id = 0; id < 30; id++) ledger.sent([log], String(id));
    expect(ledger.summary(log).missing).to.equal(30);
    expect(ledger.summary(log).missing_ids).to.deep.equal(Array.from({ length: 20 }, (_, id) => String(id)));
    const long = new RequestLedger(() => []);
    long.sent([log], 'x'.repeat(100));
    expect(long.summary(log).missing_ids).to.deep.equal(['x'.repeat(64)]);
  });
});
