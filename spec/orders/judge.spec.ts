import { expect } from 'chai';
import { faultOf } from './judge.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

const SEEN = {
  records: ['session/initialize', 'tools/echo', 'session/close'].map((resource) => ({
    resource,
    trace_id: TRACE,
    span_id: SPAN,
  })),
  spans: [{ traceId: TRACE, spanId: SPAN }],
  userTrace: TRACE,
  wire: [{ traceparent: `00-${TRACE}-${SPAN}-01` }],
};

const judged = (change: object, { code = 0, stderr = '', exportsOurs = true } = {}) =>
  faultOf({ code, stderr, stdout: JSON.stringify({ ...SEEN, ...change }) }, exportsOurs);

describe('the verdict on a run of `npm run orders`', () => {
  it('finds no fault where spans, records and the wire agree, and nothing is printed', () => {
    expect(judged({})).to.equal(undefined);
    expect(judged({ spans: [] }, { exportsOurs: false })).to.equal(undefined);
    expect(judged({ records: [{ resource: 'audit/start' }, ...SEEN.records] })).to.equal(undefined);
  });

  for (const [fault, change, run] of [
    ['exit 1: no', {}, { code: 1, stderr: 'no' }],
    ['stderr: a warning', {}, { stderr: 'a warning\n' }],
    ['records: session/initialize', { records: SEEN.records.slice(0, 1) }, {}],
    [`the record has trace ${TRACE}, the user other`, { userTrace: 'other' }, {}],
    [`the wire has trace none, the user ${TRACE}`, { wire: [{}] }, {}],
    [`the wire has trace none, the user ${TRACE}`, { wire: [] }, {}],
    [
      `the wire has span 00f067aa0ba902b7, the record ${SPAN}`,
      { wire: [{ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }] },
      {},
    ],
    ['the span of the call was not exported', { spans: [] }, {}],
  ] as const) {
    it(`finds: ${fault}`, () => {
      expect(judged(change, run)).to.equal(fault);
    });
  }

  it('finds output that is none', () => {
    expect(faultOf({ code: 0, stderr: '', stdout: 'hello' }, true)).to.equal('stdout: hello');
  });
});
