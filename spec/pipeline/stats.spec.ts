import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import { numbered } from '../support/drafts.js';
import { countersOf } from '../support/sending.js';

const failed = (code = 'E_DISK') =>
  new SinkError('a', 'a failed', { cause: Object.assign(new Error('x'), { code }) });

describe('what a sink has done', () => {
  it('is nothing at first', () => {
    expect(countersOf().counters.snapshot(3, undefined)).to.deep.equal({
      ...{ name: 'a', queued: 3, delivered: 0, failed: 0, dropped: 0, filtered: 0 },
      ...{ retries: 0, batches: 0, busyMs: 0, gaps: 0, failing: false },
    });
  });

  it('is counted', () => {
    const { counters } = countersOf();
    counters.answered(2);
    counters.answered(3);
    counters.delivered(5, 1);
    counters.filtered();
    counters.retrying();
    counters.lost('dropped', failed('E_FULL'), [numbered(0), numbered(1)]);
    expect(counters.snapshot(0, 12)).to.deep.equal({
      ...{ name: 'a', queued: 0, delivered: 5, failed: 0, dropped: 2, filtered: 1 },
      ...{ retries: 1, batches: 2, busyMs: 5, gaps: 1, failing: false },
      ...{ backlogBytes: 12, lastFailure: 'E_FULL' },
    });
  });

  it('is failing from a failure on until it delivers', () => {
    const { counters } = countersOf();
    counters.lost('failed', failed(), [numbered(0)]);
    expect(counters.failing).to.equal(true);
    counters.delivered(1, 0);
    expect(counters.failing).to.equal(false);
    counters.trouble(failed(), []);
    expect(counters.failing).to.equal(true);
  });

  it('is told once while it lasts, and again where callers were told', () => {
    const { counters, told } = countersOf();
    const late = [numbered(0)];
    counters.trouble(failed(), late);
    counters.trouble(failed(), late);
    expect(told).to.deep.equal([{ sink: 'a', lost: 0, records: late }]);
    counters.trouble(failed(), late, true);
    expect(told).to.have.length(2);
    counters.lost('failed', failed(), late);
    counters.lost('failed', failed(), late, false);
    expect(told.slice(2)).to.deep.equal([{ sink: 'a', lost: 1, records: late }]);
  });

  it('names the last failure by its cause, else by itself', () => {
    const { counters } = countersOf();
    counters.trouble(failed('E_IO'), []);
    expect(counters.snapshot(0, undefined).lastFailure).to.equal('E_IO');
    counters.trouble(new SinkError('a', 'late', { code: 'MCP_LOG_ERR_SINK_TIMEOUT' }), []);
    expect(counters.snapshot(0, undefined).lastFailure).to.equal('MCP_LOG_ERR_SINK_TIMEOUT');
  });
});
