import { expect } from 'chai';
import { rejection, settled } from '../support/audited.js';
import { modern, rawPair, SDKS, type RawAnswer, type Sdk } from '../support/rawServer.js';
import { answering, ok, refused, verdict } from '../support/verdicts.js';

interface Row {
  readonly what: string;
  readonly tool?: string;
  readonly answers: readonly RawAnswer[];
  readonly expected: Readonly<Record<string, string>>;
  /** What differs by SDK. */
  readonly but?: Partial<Record<Sdk, Readonly<Record<string, string | undefined>>>>;
}

const VALUE = { caller_saw: 'value', served_from: 'wire' };
const THROWN = { caller_saw: 'error', served_from: 'wire' };
const FAILED = 'FAILURE_ERROR';
const SCHEMA_TEXT =
  "Structured content does not match the tool's output schema: data must have required property 'n'";

const TASK = { resultType: 'task', taskId: 'task-7', status: 'working', pollIntervalMs: 5, ttlMs: 1000 };

const ROWS: readonly Row[] = [
  {
    what: 'a result',
    answers: [ok({})],
    expected: { outcome: 'SUCCESS', answer: 'result', ...VALUE },
  },
  {
    what: 'a result that says isError',
    answers: [ok({ isError: true })],
    expected: { outcome: FAILED, type: 'tool_error', answer: 'tool_error', ...VALUE },
  },
  {
    what: 'a JSON-RPC error',
    answers: [refused(-32602, 'unknown tool')],
    expected: { outcome: FAILED, type: '-32602', answer: 'error', ...THROWN },
  },
  ...[401, 403].map((code) => ({
    what: `a JSON-RPC error whose code is ${code}, which is no HTTP status there`,
    answers: [refused(code, 'Unauthorized')],
    expected: { outcome: FAILED, type: String(code), answer: 'error', ...THROWN },
  })),
  {
    what: "a JSON-RPC error with the words of the client's own check",
    tool: 'typed',
    answers: [refused(-32602, SCHEMA_TEXT)],
    expected: { outcome: FAILED, type: '-32602', answer: 'error', ...THROWN },
  },
  {
    what: 'a JSON-RPC error with the words of a lost connection',
    answers: [refused(-32000, 'Connection closed')],
    expected: { outcome: FAILED, type: '-32000', answer: 'error', ...THROWN },
  },
  {
    what: 'a JSON-RPC error with the code of a timeout',
    answers: [refused(-32001, 'Request timed out')],
    expected: { outcome: FAILED, type: '-32001', answer: 'error', ...THROWN },
  },
  {
    what: 'structured content that breaks the output schema',
    tool: 'typed',
    answers: [ok({ structuredContent: { paid: true } })],
    expected: {
      ...{ outcome: FAILED, type: 'invalid_result', answer: 'result', answer_refused: 'output_schema' },
      ...THROWN,
    },
  },
  {
    what: 'no structured content where the output schema asks for it',
    tool: 'typed',
    answers: [ok({})],
    expected: {
      ...{ outcome: FAILED, type: 'invalid_result', answer: 'result', answer_refused: 'output_schema' },
      ...THROWN,
    },
  },
  {
    what: "a tool's error whose content breaks the output schema",
    tool: 'typed',
    answers: [ok({ structuredContent: { err: 1 }, isError: true })],
    expected: { outcome: FAILED, type: 'tool_error', answer: 'tool_error', ...VALUE },
    // v1 checks what tools say of their failures too.
    but: { v1: { caller_saw: 'error', answer_refused: 'output_schema' } },
  },
  {
    what: 'a result of another shape',
    answers: [{ result: modern({ content: 'text' }) }],
    expected: {
      ...{ outcome: FAILED, type: 'invalid_result', answer: 'result', answer_refused: 'result_schema' },
      ...THROWN,
    },
  },
  {
    what: 'a task',
    answers: [ok(TASK)],
    expected: {
      ...{ outcome: 'PARTIAL', answer: 'task', task_id: 'task-7', task_status: 'working' },
      ...VALUE,
    },
    but: {
      'v2 modern': {
        ...{ caller_saw: 'error', answer_refused: 'result_type', type: 'UNSUPPORTED_RESULT_TYPE' },
      },
    },
  },
  {
    what: 'a task of revision 2025-11-25',
    answers: [
      ok({ task: { taskId: 'task-8', status: 'working', ttl: null, createdAt: '', lastUpdatedAt: '' } }),
    ],
    expected: {
      ...{ outcome: 'PARTIAL', answer: 'task', task_id: 'task-8', task_status: 'working' },
      ...VALUE,
    },
  },
  {
    what: 'a task that has failed already',
    answers: [ok({ ...TASK, status: 'failed' })],
    expected: {
      ...{ outcome: FAILED, type: 'task_failed', answer: 'task', task_id: 'task-7', task_status: 'failed' },
      ...VALUE,
    },
    but: { 'v2 modern': { caller_saw: 'error', answer_refused: 'result_type' } },
  },
  {
    what: 'a result of a kind that nobody knows',
    answers: [ok({ resultType: 'deferred' })],
    expected: { outcome: 'SUCCESS', answer: 'result', ...VALUE },
    but: {
      'v2 modern': {
        ...{ outcome: FAILED, type: 'UNSUPPORTED_RESULT_TYPE', answer_refused: 'result_type' },
        ...{ caller_saw: 'error' },
      },
    },
  },
];

for (const sdk of SDKS)
  describe(`how a call ended, ${sdk}`, () => {
    for (const { what, tool = 'plain', answers, expected, but } of ROWS)
      it(`after ${what}`, async () => {
        const { client, sink, call } = await rawPair(sdk, answering(...answers));
        await client.listTools();
        await rejection(call(tool));
        const wanted = Object.entries({ ...expected, ...but?.[sdk] }).filter(
          ([, value]) => value !== undefined,
        );
        expect(verdict(sink.only('tools/call'))).to.deep.equal(Object.fromEntries(wanted));
      });

    const aborted = async (signal: unknown, act: () => void = () => undefined) => {
      const { sink, call } = await rawPair(sdk, answering(undefined));
      const ended = rejection(call('plain', { signal }));
      await settled();
      act();
      await ended;
      return verdict(sink.only('tools/call'));
    };
    const unanswered = (type: string) => ({ outcome: FAILED, type, caller_saw: 'error' });

    it('after AbortSignal.timeout(), alone and among others', async () => {
      const alone = AbortSignal.timeout(30);
      // The time may run out before anything was sent.
      expect(await aborted(alone)).to.include(unanswered('timeout'));
      const any = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(30)]);
      expect(await aborted(any)).to.include(unanswered('timeout'));
    });

    const REASONS: readonly [string, unknown, string][] = [
      ['no reason', undefined, 'cancelled'],
      ['a text', 'the user pressed stop', 'cancelled'],
      ['an error', new Error('the user pressed stop'), 'cancelled'],
      ['null', null, 'cancelled'],
      ["a platform's AbortError", new DOMException('stop', 'AbortError'), 'cancelled'],
      ["a platform's TimeoutError", new DOMException('late', 'TimeoutError'), 'timeout'],
      ['an error of that name', Object.assign(new Error('late'), { name: 'TimeoutError' }), 'timeout'],
      ['an error with a code of time', Object.assign(new Error('late'), { code: 'ETIMEDOUT' }), 'timeout'],
      [
        'an error because of a timeout',
        new Error('late', { cause: new DOMException('', 'TimeoutError') }),
        'timeout',
      ],
      ['an error that talks of time', new Error('the user was tired of the timeout'), 'cancelled'],
    ];
    for (const [what, reason, type] of REASONS)
      it(`after an abort with ${what}`, async () => {
        const controller = new AbortController();
        expect(await aborted(controller.signal, () => controller.abort(reason))).to.deep.equal(
          unanswered(type),
        );
      });

    it('after an abort that came when the answer had been there, by the answer', async () => {
      const controller = new AbortController();
      const script = answering(ok({ structuredContent: {} }));
      const { client, sink, call } = await rawPair(sdk, script);
      await client.listTools();
      const ended = rejection(call('typed', { signal: controller.signal }));
      await ended;
      controller.abort();
      expect(verdict(sink.only('tools/call'))).to.include({ type: 'invalid_result', answer: 'result' });
    });

    it("after the client's own timeout", async () => {
      const { sink, call } = await rawPair(sdk, answering(undefined));
      await rejection(call('plain', { timeout: 20 }));
      expect(verdict(sink.only('tools/call'))).to.deep.equal(unanswered('timeout'));
    });

    it('after a connection that was lost', async () => {
      const { sink, call, hangUp } = await rawPair(sdk, answering(undefined));
      const ended = rejection(call('plain'));
      await settled();
      await hangUp();
      await ended;
      expect(verdict(sink.only('tools/call'))).to.deep.equal(unanswered('connection_closed'));
    });

    it('without a connection', async () => {
      const { client, sink, call } = await rawPair(sdk, answering(ok({})));
      await client.close();
      await rejection(call('plain'));
      expect(verdict(sink.only('tools/call'))).to.deep.equal({
        ...unanswered('connection_closed'),
        served_from: 'local',
      });
    });
  });
