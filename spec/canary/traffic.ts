import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { audit } from '../../lib/decorators/audited.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import type { Canaries } from './canaries.js';
import { tellingPair } from './server.js';

/** What an operation fails with is given to `fails`; that the call itself fails is no concern of this. */
type Attempt = (name: string, operation: () => unknown) => Promise<void>;

const AuditedV1 = instrumentClient(class extends Client {});
const AuditedV2 = instrumentClient(class extends ClientV2 {});
const newV1 = (options: ClientOptions) => new AuditedV1({ name: 'agent', version: '1' }, options);

/** Every operation of both clients, and every way to fail, with secrets in all of it. */
export async function allTraffic(canaries: Canaries, refusing: string, attempt: Attempt): Promise<void> {
  await operationsV1(canaries, attempt);
  await operationsV2(canaries, attempt);
  await transports(canaries, refusing, attempt);
  await ownCode(canaries, attempt);
}

async function operationsV1(canaries: Canaries, attempt: Attempt): Promise<void> {
  const { client, server, transport, connect } = tellingPair(canaries, newV1);
  answerQuestions(client, canaries);
  await attempt('connect', connect);
  for (const time of ['first', 'second']) await attempt(`listTools, ${time}`, () => client.listTools());
  const call = (name: string, options = {}) =>
    attempt(`callTool ${name}`, () =>
      client.callTool({ name, arguments: canaries.native(`arguments of ${name}`) }, undefined, options),
    );
  for (const name of ['tell', 'broken', 'fail']) await call(name, { onprogress: () => undefined });
  await call('hang', { timeout: 30 });
  await call('hang', { signal: AbortSignal.abort(canaries.error('reason of an abort')) });
  await attempt('callTool, odd name', () => client.callTool({ name: `t ${canaries.text('tool name')}` }));
  for (const scheme of ['https', 'missing'])
    await attempt('readResource', () => client.readResource({ uri: canaries.uri('resource URI', scheme) }));
  await attempt('subscribe', () => client.subscribeResource({ uri: canaries.uri('subscribed URI') }));
  await attempt('unsubscribe', () => client.unsubscribeResource({ uri: canaries.uri('unsubscribed URI') }));
  await attempt('listResources', () => client.listResources());
  await attempt('listPrompts', () => client.listPrompts());
  await attempt('getPrompt', () =>
    client.getPrompt({
      name: 'ask',
      arguments: { text: canaries.text('prompt argument'), password: canaries.word('prompt argument') },
    }),
  );
  await attempt('complete', () =>
    client.complete({
      ref: { type: 'ref/prompt', name: 'ask' },
      argument: { name: 'token', value: canaries.text('completion argument') },
    }),
  );
  await attempt('setLoggingLevel', () => client.setLoggingLevel('debug'));
  await attempt('ping', () => client.ping());
  await askBack(server, canaries, attempt);
  transport.onerror?.(canaries.error('transport error'));
  await attempt('lost transport', () => transport.close());
}

function answerQuestions(client: Client, canaries: Canaries): void {
  const answers = [
    () => ({
      action: 'accept' as const,
      content: { password: canaries.word('elicited answer'), note: canaries.text('elicited answer') },
    }),
    () => Promise.reject(canaries.error('error of an elicitation handler')),
  ];
  client.setRequestHandler(ElicitRequestSchema, () =>
    (answers.shift() ?? (() => ({ action: 'decline' as const })))(),
  );
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    role: 'assistant',
    model: canaries.text('sampling model'),
    content: { type: 'text', text: canaries.text('sampling answer') },
  }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: [{ uri: canaries.uri('root', 'file') }],
  }));
}

async function askBack(
  server: ReturnType<typeof tellingPair>['server'],
  canaries: Canaries,
  attempt: Attempt,
) {
  for (let time = 0; time < 3; time++)
    await attempt('elicitation', () =>
      server.elicitInput({
        message: canaries.text('elicitation message'),
        requestedSchema: {
          type: 'object',
          properties: { a: { type: 'string', description: canaries.text('elicitation schema') } },
        },
      }),
    );
  await attempt('sampling', () =>
    server.createMessage({
      systemPrompt: canaries.text('system prompt'),
      messages: [{ role: 'user', content: { type: 'text', text: canaries.text('sampling message') } }],
      metadata: canaries.json('sampling metadata'),
      maxTokens: 5,
    }),
  );
  await attempt('roots', () => server.listRoots());
}

async function operationsV2(canaries: Canaries, attempt: Attempt): Promise<void> {
  for (const era of ['legacy', 'modern'] as const) {
    const { client, connect, hangUp } = fullPairV2(era, {
      makeClient: (options) => {
        const made = new AuditedV2(
          { name: 'agent', version: '1' },
          { ...options, capabilities: { elicitation: {}, sampling: {} } },
        );
        made.setRequestHandler('elicitation/create', () => ({
          action: 'accept',
          content: { yes: true, note: canaries.text('v2 elicited answer') },
        }));
        return made;
      },
    });
    await attempt('connect v2', () => connect());
    await attempt('listTools v2', () => client.listTools());
    const message = canaries.text(`v2 ${era} argument`);
    await attempt('callTool v2', () =>
      client.callTool({ name: 'echo', arguments: { message, ...canaries.native('v2 arguments') } }),
    );
    await attempt('callTool v2', () => client.callTool({ name: 'consent' }));
    await attempt('callTool v2', () => client.callTool({ name: `none ${canaries.text('v2 tool name')}` }));
    await attempt('getPrompt v2', () =>
      client.getPrompt({ name: 'greet', arguments: { who: canaries.text('v2 prompt argument') } }),
    );
    await attempt('readResource v2', () => client.readResource({ uri: canaries.uri('v2 resource URI') }));
    await attempt('hang up v2', () => hangUp());
  }
}

/** Real transports that fail: a server that refuses, a port where nobody is, a process that ends at once. */
async function transports(canaries: Canaries, refusing: string, attempt: Attempt): Promise<void> {
  for (const status of [401, 403, 500]) {
    const url = new URL(
      `${refusing}/${status}?api_key=${canaries.word('server URL')}#token=${canaries.word('server URL fragment')}`,
    );
    const headers = {
      authorization: `Bearer ${canaries.word('request header')}`,
      'x-api-key': canaries.word('request header'),
    };
    await attempt(`HTTP ${status}`, () =>
      newV1({}).connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } })),
    );
  }
  const nobody = new URL(`http://127.0.0.1:1/mcp?access_token=${canaries.word('dead URL')}`);
  await attempt('HTTP, nobody there', () => newV1({}).connect(new StreamableHTTPClientTransport(nobody)));
  const args = [
    '-e',
    '0',
    '--',
    '--api-key',
    canaries.word('command argument'),
    `--token=${canaries.word('command argument')}`,
  ];
  const env = { SERVICE_TOKEN: canaries.word('environment') };
  await attempt('stdio', () =>
    newV1({}).connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' })),
  );
}

async function ownCode(canaries: Canaries, attempt: Attempt): Promise<void> {
  const data = ({ args, result, error }: { args: unknown; result?: unknown; error?: unknown }) => ({
    args,
    result,
    error,
    ...canaries.native('decorator data'),
  });
  const resource = () => `orders/${canaries.text('decorator resource')}`;
  const options = {
    eventType: 'EVENT_AGENT_DECISION',
    resource,
    data,
    message: `Decided ${canaries.text('decorator message')}`,
  } as const;
  const decide = audit({ ...options, name: 'decide' }, async (order: unknown) => ({
    order,
    ...canaries.native('decorator result'),
  }));
  await attempt('audit', () => decide(canaries.native('decorator argument')));
  const fail = audit({ ...options, name: 'fail' }, () => Promise.reject(canaries.error('error of own code')));
  await attempt('audit, failing', () => fail());
  const odd = audit({ ...options, name: 'odd' }, () =>
    Promise.reject(canaries.json('rejection that is no error') as unknown as Error),
  );
  await attempt('audit, odd rejection', () => odd());
}
