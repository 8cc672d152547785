import { expect } from 'chai';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { encodeLine } from '../../../lib/codecs/json.js';
import { SessionCheck, type Sessions } from '../../../lib/integrity/verification/sessions.js';
import type { McpDetail, McpRequests } from '../../../lib/schema/record.js';
import { numbered } from '../../support/drafts.js';

const digestOf = (ids: readonly string[]) =>
  createHash('sha256')
    .update(ids.map((id) => `${/^\d+$/.test(id) ? id : JSON.stringify(id)}\n`).join(''))
    .digest('hex');

const requestsOf = (ids: readonly string[], over: Partial<McpRequests> = {}): McpRequests => ({
  sent: ids.length,
  recorded: ids.length,
  sha256: digestOf(ids),
  ...over,
});

let seq = 0;
const line = (mcp: Partial<McpDetail>, over: object = {}) =>
  encodeLine(numbered(seq++, { mcp: { method: 'tools/call', ...mcp }, ...over }));
const opened = (id = '0', over: Partial<McpDetail> = {}) =>
  line({ method: 'initialize', request_id: id, caller_saw: 'value', ...over });
const closed = (requests?: McpRequests, over: Partial<McpDetail> = {}) =>
  line({ method: 'close', ...(requests && { requests }), ...over });

/** All lines in chunks of one size, each line whole in one of them, as the walk hands them over. */
function check(lines: readonly string[], perChunk = lines.length): Sessions {
  const sessions = new SessionCheck();
  for (let first = 0; first < lines.length; first += perChunk) {
    const chunk = lines.slice(first, first + perChunk).map((each) => Buffer.from(each));
    const data = Buffer.from(chunk.map((each) => `${each.toString()}\n`).join(''));
    let start = 0;
    for (const { length } of chunk) {
      sessions.see(data, start, start + length);
      start += length + 1;
    }
  }
  return sessions.finish();
}

/** What a closing record would say if these were the records of its session. */
function isComplete(lines: readonly string[], ids: readonly string[]): boolean {
  const { complete, different } = check([opened('0'), ...lines, closed(requestsOf(['0', ...ids]))]);
  expect(complete + different).to.equal(1);
  return complete === 1;
}

describe('the requests of a session, by its records', () => {
  const anything = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<object>;
  const id = fc.oneof(
    fc.integer({ min: 1, max: 9 }).map(String),
    fc.constantFrom('a', 'quoted "id"', 'back\\slash', 'é', '"stage":"', '"legs":[{'),
  );
  const mcp = fc.record(
    {
      request_id: id,
      protocol_version: fc.constantFrom('2025-06-18', 'odd "version"'),
      requested_by: fc.constant('server'),
      tool_name: fc.constantFrom('search', '{"method":"x"}', '"mcp":{"method":"close"'),
      tool_arguments: fc.oneof(
        anything,
        fc.constant({ stage: 'x', legs: [{ request_id: '77' }], mcp: { method: 'close', request_id: '78' } }),
      ),
      legs: fc.array(fc.record({ method: fc.constant('tools/call'), request_id: id }), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const outer = fc.record(
    {
      stage: fc.constant('request_received'),
      message: fc.constantFrom('plain', '"mcp":{"method":"close"}', '{"method":"tools/call"'),
    },
    { requiredKeys: [] },
  );

  /** What the page says a record stands for, without any short way. */
  const idsOf = (record: string): string[] => {
    const { mcp: detail, stage } = JSON.parse(record) as { mcp: McpDetail; stage?: string };
    if (stage !== undefined || detail.requested_by !== undefined) return [];
    const ids = detail.legs?.length ? detail.legs.map((leg) => leg.request_id) : [detail.request_id];
    return [...new Set(ids.filter((each) => each !== undefined))];
  };
  const inOrder = (ids: readonly string[]) => [
    ...ids.filter((each) => /^\d+$/.test(each)).sort((a, b) => Number(a) - Number(b)),
    ...ids
      .filter((each) => !/^\d+$/.test(each))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  ];

  it('are those that parsing each line gives, however lines fall into chunks', () => {
    const record = fc.tuple(mcp, outer).map(([detail, over]) => line(detail, { session_id: 'one', ...over }));
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.integer({ min: 1, max: 13 }), (lines, perChunk) => {
        const ids = inOrder(['0', ...lines.flatMap(idsOf)]);
        const all = [
          encodeLine(
            numbered(0, {
              session_id: 'one',
              mcp: { method: 'initialize', request_id: '0', caller_saw: 'value' },
            }),
          ),
          ...lines,
          encodeLine(numbered(0, { session_id: 'one', mcp: { method: 'close', requests: requestsOf(ids) } })),
        ];
        expect(check(all, perChunk)).to.include({ complete: 1, different: 0, open: 0, uncounted: 0 });
      }),
    );
  });

  it('do not count where the server asked, and where an intent goes before the record of the outcome', () => {
    expect(isComplete([line({ request_id: '1' })], ['1'])).to.equal(true);
    expect(isComplete([line({ request_id: '1', requested_by: 'server' })], [])).to.equal(true);
    expect(isComplete([line({ request_id: '1' }, { stage: 'request_received' })], [])).to.equal(true);
    expect(isComplete([line({ request_id: '1' }, { stage: 'request_received' })], ['1'])).to.equal(false);
  });

  it('are each of the requests that an operation made', () => {
    const legs = ['1', '2', '2'].map((request_id) => ({ method: 'tools/call', request_id }));
    expect(isComplete([line({ request_id: '2', legs })], ['1', '2'])).to.equal(true);
    expect(isComplete([line({ request_id: '2', legs })], ['2'])).to.equal(false);
  });

  it('have the ids that JSON gives, whatever is escaped in them or beside them', () => {
    for (const id of ['quoted "id"', 'back\\slash', 'line\nfeed'])
      expect(isComplete([line({ request_id: id, connection_id: 'session-1' })], [id]), id).to.equal(true);
    const odd = { protocol_version: 'odd "version"', request_id: '1' };
    expect(isComplete([line({ ...odd })], ['1'])).to.equal(true);
  });

  it('are not what the data of user code says that looks like the detail of an operation', () => {
    const detail = { method: 'tools/call', request_id: '7' };
    const quoted = { ocsf_activity_id: 1, mcp: detail, legs: [{ request_id: '8' }] };
    for (const data of [detail, { mcp: detail }, [{ mcp: { ...detail, connection_id: 'x' } }], quoted]) {
      const own = line({}, { mcp: undefined, data });
      const shown = JSON.stringify(data);
      expect(isComplete([own], []), shown).to.equal(true);
      expect(isComplete([own], ['7']), shown).to.equal(false);
      expect(isComplete([own, line({ request_id: '7' })], ['7']), shown).to.equal(true);
    }
    const braces = line({ request_id: '9' }, { message: 'Called {"mcp":{"method":"x"', resource: '{' });
    expect(isComplete([braces], ['9'])).to.equal(true);
  });

  it('belong to the connection, where several share one session', () => {
    const lines = ['one', 'two'].flatMap((connection_id) => [
      opened('0', { connection_id }),
      line({ request_id: '1', connection_id }),
      closed(requestsOf(['0', '1']), { connection_id }),
    ]);
    expect(check(lines)).to.include({ complete: 2, different: 0 });
    expect(check(lines).named.complete).to.deep.equal(['one', 'two']);
    expect(check(lines.filter((_, at) => at !== 4)).differences).to.deep.equal([
      { session: 'two', difference: '1 of 2 requests are not in this log' },
    ]);
  });

  it('may lack those that the policy left out, and no others', () => {
    const lines = [opened('0'), closed({ ...requestsOf(['0']), sent: 2, excluded: 1 })];
    expect(check(lines)).to.include({ complete: 1 });
    expect(check([opened('0'), closed({ ...requestsOf(['0']), sent: 3, excluded: 1 })])).to.include({
      different: 1,
    });
  });

  it('are said to be too few, too many, or others', () => {
    const differenceOf = (lines: readonly string[], requests: McpRequests) =>
      check([opened('0'), ...lines, closed(requests)]).differences[0]?.difference;
    expect(differenceOf([], requestsOf(['0', '1', '2'], { missing: 1 }))).to.equal(
      '2 of 3 requests are not in this log, 1 of them as the closing record itself says',
    );
    expect(differenceOf([line({ request_id: '1' })], requestsOf(['0']))).to.equal(
      '1 more requests are in this log than were sent',
    );
    expect(differenceOf([line({ request_id: '2' })], requestsOf(['0', '1']))).to.equal(
      'the requests in this log are others than those that were sent',
    );
  });

  it('are complete when the last of them is on record, though the session was closed before', () => {
    const requests = requestsOf(['0', '1']);
    expect(check([opened('0'), closed(requests), line({ request_id: '1' })])).to.include({
      complete: 1,
      different: 0,
    });
  });

  it('cannot be counted without the opening record, or without a count in the closing one', () => {
    expect(check([line({ request_id: '1' }), closed(requestsOf(['0', '1']))])).to.include({ uncounted: 1 });
    expect(check([opened('0'), closed()])).to.include({ uncounted: 1 });
    expect(check([opened('0'), line({ request_id: '1' })])).to.include({ open: 1 });
    // Of another log, or traced by others: neither beginning nor end is here.
    expect(check([line({ request_id: '1' })])).to.include({
      complete: 0,
      open: 0,
      uncounted: 0,
      different: 0,
    });
    // An initialization that failed opens nothing, whichever way it failed.
    for (const [caller_saw, outcome] of [
      ['error', 'OUTCOME_SUCCESS'],
      ['value', 'OUTCOME_FAILURE_ERROR'],
    ] as const)
      expect(check([line({ method: 'initialize', request_id: '0', caller_saw }, { outcome })])).to.include({
        open: 0,
      });
  });
});
