import { expect } from 'chai';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CreateTaskResultSchema, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { audited, rejection } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';

/** [what, the call, method, event type, resource] */
type Row = readonly [string, (client: Client) => Promise<unknown>, string, string, string];

const ROWS: readonly Row[] = [
  ['ping', (c) => c.ping(), 'ping', 'EVENT_RESOURCE_ACCESS', 'session/ping'],
  ['listTools', (c) => c.listTools(), 'tools/list', 'EVENT_TOOL_INVOCATION', 'tools/list'],
  ['callTool', (c) => c.callTool({ name: 'echo' }), 'tools/call', 'EVENT_TOOL_INVOCATION', 'tools/echo'],
  ['listResources', (c) => c.listResources(), 'resources/list', 'EVENT_RESOURCE_ACCESS', 'resources/list'],
  [
    'listResourceTemplates',
    (c) => c.listResourceTemplates(),
    'resources/templates/list',
    'EVENT_RESOURCE_ACCESS',
    'resources/templates/list',
  ],
  [
    'readResource',
    (c) => c.readResource({ uri: 'note://1' }),
    'resources/read',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
  ],
  [
    'subscribeResource',
    (c) => c.subscribeResource({ uri: 'note://1' }),
    'resources/subscribe',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
  ],
  [
    'unsubscribeResource',
    (c) => c.unsubscribeResource({ uri: 'note://1' }),
    'resources/unsubscribe',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
  ],
  ['listPrompts', (c) => c.listPrompts(), 'prompts/list', 'EVENT_PROMPT_EXECUTION', 'prompts/list'],
  [
    'getPrompt',
    (c) => c.getPrompt({ name: 'greet' }),
    'prompts/get',
    'EVENT_PROMPT_EXECUTION',
    'prompts/greet',
  ],
  [
    'complete',
    (c) => c.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'W' } }),
    'completion/complete',
    'EVENT_PROMPT_EXECUTION',
    'prompts/greet',
  ],
  [
    'setLoggingLevel',
    (c) => c.setLoggingLevel('info'),
    'logging/setLevel',
    'EVENT_CONFIG_CHANGE',
    'logging/setLevel',
  ],
  [
    'experimental.tasks.listTasks',
    (c) => c.experimental.tasks.listTasks(),
    'tasks/list',
    'EVENT_TOOL_INVOCATION',
    'tasks/list',
  ],
];

/** The same requests, made with `request()` by their names. */
const BY_NAME = [
  ['ping', undefined, 'EVENT_RESOURCE_ACCESS', 'session/ping'],
  ['tools/list', undefined, 'EVENT_TOOL_INVOCATION', 'tools/list'],
  ['tools/call', { name: 'echo' }, 'EVENT_TOOL_INVOCATION', 'tools/echo'],
  ['resources/read', { uri: 'note://1' }, 'EVENT_CONTEXT_ACCESS', 'note://1'],
  ['prompts/get', { name: 'greet' }, 'EVENT_PROMPT_EXECUTION', 'prompts/greet'],
  ['logging/setLevel', { level: 'info' }, 'EVENT_CONFIG_CHANGE', 'logging/setLevel'],
] as const;

describe('operations of SDK v1', () => {
  for (const [name, call, method, event, resource] of ROWS) {
    it(`makes one record of ${name}`, async () => {
      const { client, connect } = fullPairV1();
      const sink = audited(client);
      await connect();
      await call(client);
      expect(sink.records).to.have.length(2);
      const record = sink.only(method);
      expect(record).to.include({ event_type: event, resource, outcome: 'OUTCOME_SUCCESS' });
      expect(record.mcp).to.include({ served_from: 'wire', request_id: '1' }).and.not.have.property('legs');
    });
  }

  for (const [method, params, event, resource] of BY_NAME) {
    it(`makes one record of request(${method})`, async () => {
      const { client, connect } = fullPairV1();
      const sink = audited(client);
      await connect();
      await client.request({ method, params } as never, ResultSchema);
      expect(sink.records).to.have.length(2);
      expect(sink.only(method)).to.include({ event_type: event, resource, outcome: 'OUTCOME_SUCCESS' });
    });
  }

  it('makes one record of each step of a task, under its id', async () => {
    const { client, connect } = fullPairV1();
    const sink = audited(client);
    await connect();
    const request = { method: 'tools/call', params: { name: 'endless' } } as const;
    const { task } = await client.request(request, CreateTaskResultSchema, { task: {} });
    await client.experimental.tasks.getTask(task.taskId);
    await client.experimental.tasks.cancelTask(task.taskId);
    await rejection(client.experimental.tasks.getTaskResult(task.taskId));
    const resource = `tasks/${task.taskId}`;
    expect(sink.records.map((r) => [r.mcp?.method, r.resource]).slice(1)).to.deep.equal([
      ['tools/call', 'tools/endless'],
      ['tasks/get', resource],
      ['tasks/cancel', resource],
      ['tasks/result', resource],
    ]);
  });

  it('records methods that nobody knows, and requests without any', async () => {
    const { client, connect } = fullPairV1();
    const sink = audited(client);
    await connect();
    await rejection(client.request({ method: 'x/unheard', params: { a: 1 } } as never, ResultSchema));
    await rejection(client.request({} as never, ResultSchema, { timeout: 5 }));
    await rejection(client.request({ method: 'x'.repeat(300) } as never, ResultSchema));
    expect(sink.records.slice(1).map((r) => [r.resource, r.outcome, r.error?.type])).to.deep.equal([
      ['x/unheard', 'OUTCOME_FAILURE_ERROR', '-32601'],
      ['unknown method', 'OUTCOME_FAILURE_ERROR', 'timeout'],
      ['x'.repeat(200), 'OUTCOME_FAILURE_ERROR', '-32601'],
    ]);
  });

  it('records what is refused before the wire as an attempt', async () => {
    const { client, connect } = fullPairV1({ enforceStrictCapabilities: true });
    const sink = audited(client);
    await rejection(client.ping());
    await connect();
    await client.listTools();
    await rejection(client.callTool({ name: 'typed' }));
    await client.close();
    await rejection(client.callTool({ name: 'echo' }));
    const local = sink.records.filter(({ mcp }) => mcp?.served_from === 'local');
    expect(local.map((r) => [r.resource, r.outcome, r.error?.type])).to.deep.equal([
      ['session/ping', 'OUTCOME_FAILURE_ERROR', 'connection_closed'],
      ['tools/echo', 'OUTCOME_FAILURE_ERROR', 'connection_closed'],
    ]);
    expect(sink.records.find(({ resource }) => resource === 'tools/typed')).to.deep.include({
      outcome: 'OUTCOME_FAILURE_ERROR',
    });
  });

  it('makes no record of notifications', async () => {
    const { client, connect } = fullPairV1({ capabilities: { roots: { listChanged: true } } });
    const sink = audited(client);
    await connect();
    await client.sendRootsListChanged();
    await client.notification({ method: 'notifications/roots/list_changed' });
    expect(sink.records).to.have.length(1);
  });
});
