import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { rejection, settled } from '../support/audited.js';
import { modern, rawPair, SDKS, type RawAnswer, type RawRequest, type Sdk } from '../support/rawServer.js';

const OUTPUT = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
const TOOLS = [
  { name: 'typed', inputSchema: { type: 'object' }, outputSchema: OUTPUT },
  { name: 'plain', inputSchema: { type: 'object' } },
];

/** Answers `tools/list`, and calls with what is given; the last one again and again. */
function answering(...answers: RawAnswer[]): (request: RawRequest) => RawAnswer {
  let calls = 0;
  return ({ method }) => {
    if (method === 'tools/list') return { result: modern({ tools: TOOLS }) };
    if (method !== 'tools/call') return undefined;
    return answers[Math.min(calls++, answers.length - 1)];
  };
}

const ok = (result: object): RawAnswer => ({ result: modern({ content: [], ...result }) });
const refused = (code: number, message: string): RawAnswer => ({ error: { code, message } });

/** What a record says of how a call ended. */
function verdict({ outcome, error, mcp }: AuditRecord): object {
  const { answer, answer_refused, caller_saw, served_from, task_id, task_status } = mcp ?? {};
  const said = {
    outcome: outcome.replace('OUTCOME_', ''),
    type: error?.type,
    answer,
    answer_refused,
    caller_saw,
  };
  const all = { ...said, served_from, task_id, task_status };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

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

/** Every method that is answered with a result of its own, with parameters that are good for both SDKs. */
const METHODS: readonly [string, object][] = [
  ['tools/call', { name: 'plain', arguments: {} }],
  ['tools/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'note://1' }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'greet' }],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'a', value: '' } }],
];

/** The client's own method for each of them. */
const OF_CLIENT: Readonly<Record<string, string>> = {
  'tools/call': 'callTool',
  'tools/list': 'listTools',
  'resources/list': 'listResources',
  'resources/templates/list': 'listResourceTemplates',
  'resources/read': 'readResource',
  'prompts/list': 'listPrompts',
  'prompts/get': 'getPrompt',
  'completion/complete': 'complete',
};

const NOTHING_RIGHT = {
  ...{ content: 1, tools: 1, resources: 1, resourceTemplates: 1 },
  ...{ contents: 1, prompts: 1, messages: 1, completion: 1 },
};

async function ask(sdk: Sdk, method: string, params: object, result: object): Promise<object> {
  const script = (request: RawRequest) =>
    request.method === method ? { result: modern(result) } : undefined;
  const { client, sink } = await rawPair(sdk, script);
  const own = Reflect.get(client, OF_CLIENT[method] ?? '') as (given: object) => Promise<unknown>;
  await rejection(Reflect.apply(own, client, [params]));
  return verdict(sink.only(method));
}

describe('how an operation ended', () => {
  for (const [method, params] of METHODS) {
    for (const sdk of SDKS)
      it(`says that ${method} was answered and the answer not accepted, ${sdk}`, async () => {
        expect(await ask(sdk, method, params, NOTHING_RIGHT)).to.deep.equal({
          ...{ outcome: FAILED, type: 'invalid_result', answer: 'result' },
          ...{ answer_refused: 'result_schema', ...THROWN },
        });
      });

    it(`says of ${method} that the server works on it as a task, v2 modern`, async () => {
      expect(await ask('v2 modern', method, params, TASK)).to.deep.equal({
        ...{
          outcome: 'PARTIAL',
          type: 'UNSUPPORTED_RESULT_TYPE',
          answer: 'task',
          answer_refused: 'result_type',
        },
        ...{ task_id: 'task-7', task_status: 'working', ...THROWN },
      });
    });
  }
});

const QUESTION = {
  method: 'elicitation/create',
  params: { mode: 'form', message: 'who?', requestedSchema: { type: 'object', properties: {} } },
};
const ASKS: RawAnswer = {
  result: modern({ resultType: 'input_required', inputRequests: { q: QUESTION }, requestState: 's' }),
};

describe('how a call ended that the server asked back about, v2 modern', () => {
  const answerer = { capabilities: { elicitation: { form: {} } } };
  const begin = async (answers: RawAnswer[], handler?: () => object) => {
    const made = await rawPair('v2 modern', answering(...answers), handler === undefined ? {} : answerer);
    const set = Reflect.get(made.client, 'setRequestHandler') as (...args: unknown[]) => void;
    if (handler !== undefined) Reflect.apply(set, made.client, ['elicitation/create', handler]);
    return made;
  };

  it('is a success once it was answered', async () => {
    const { sink, call } = await begin([ASKS, ok({})], () => ({ action: 'accept', content: {} }));
    expect(await rejection(call('plain'))).to.equal(undefined);
    const record = sink.only('tools/call');
    expect(verdict(record)).to.deep.equal({ outcome: 'SUCCESS', answer: 'result', ...VALUE });
    expect(record.mcp?.legs).to.have.length(2);
  });

  it('is unfinished where the caller takes the question itself', async () => {
    const { sink, call } = await begin([ASKS]);
    await call('plain', { allowInputRequired: true });
    expect(verdict(sink.only('tools/call'))).to.deep.equal({
      ...{ outcome: 'PARTIAL', answer: 'input_required', ...VALUE },
    });
    expect(sink.only('tools/call').message).to.equal('Called tool plain: the server asks for more input.');
  });

  it('failed where nobody can answer, and where the server asks on and on', async () => {
    const mute = await begin([ASKS]);
    await rejection(mute.call('plain'));
    expect(verdict(mute.sink.only('tools/call'))).to.deep.equal({
      ...{ outcome: FAILED, type: 'CAPABILITY_NOT_SUPPORTED', answer: 'input_required' },
      ...{ answer_refused: 'other', ...THROWN },
    });
    const endless = await begin([ASKS], () => ({ action: 'accept', content: {} }));
    await rejection(endless.call('plain'));
    expect(verdict(endless.sink.only('tools/call'))).to.deep.equal({
      ...{ outcome: FAILED, type: 'INPUT_REQUIRED_ROUNDS_EXCEEDED', answer: 'input_required' },
      ...{ answer_refused: 'limit', ...THROWN },
    });
  });
});
