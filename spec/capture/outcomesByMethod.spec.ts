import { expect } from 'chai';
import { rejection } from '../support/audited.js';
import { modern, rawPair, SDKS, type RawAnswer, type RawRequest, type Sdk } from '../support/rawServer.js';
import { answering, ok, verdict } from '../support/verdicts.js';

const VALUE = { caller_saw: 'value', served_from: 'wire' };
const THROWN = { caller_saw: 'error', served_from: 'wire' };
const FAILED = 'FAILURE_ERROR';
const TASK = { resultType: 'task', taskId: 'task-7', status: 'working', pollIntervalMs: 5, ttlMs: 1000 };

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
