import { expect } from 'chai';
import { guardedReport, type ErrorInfo } from '../../lib/pipeline/stats.js';
import { heard } from '../support/heard.js';

describe('telling of failures', () => {
  const info: ErrorInfo = { sink: 'a', lost: 1, records: [] };

  it('is by the diagnostic log where nobody listens', async () => {
    expect(await heard(() => guardedReport(undefined)(new Error('no disk'), info))).to.deep.equal([
      'audit log: no disk',
    ]);
  });

  it('is by the callback, whose own failures are contained and told', async () => {
    const seen: unknown[] = [];
    const listen = guardedReport((error, told) => void seen.push(error.message, told));
    expect(await heard(() => listen(new Error('no disk'), info))).to.deep.equal([]);
    expect(seen).to.deep.equal(['no disk', info]);
    const complaint = ['audit log: the onError callback failed'];
    const throwing = guardedReport(() => {
      throw new Error('mine');
    });
    expect(await heard(() => throwing(new Error('x'), info))).to.deep.equal(complaint);
    const rejecting = guardedReport((async () => Promise.reject(new Error('mine'))) as never);
    expect(await heard(() => rejecting(new Error('x'), info))).to.deep.equal(complaint);
  });
});
