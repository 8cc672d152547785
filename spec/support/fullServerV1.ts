import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import {
  InMemoryTaskMessageQueue,
  InMemoryTaskStore,
} from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });

/** A client and a real server of SDK v1 that offers everything, in one process. */
export interface FullPair {
  readonly client: Client;
  readonly server: Server;
  readonly transport: InMemoryTransport;
  /** What the server received. */
  readonly received: JSONRPCMessage[];
  connect(): Promise<void>;
}

/** Makes an unconnected pair. */
export function fullPairV1(options: ClientOptions = {}, makeClient = newClient): FullPair {
  const [transport, serverSide] = InMemoryTransport.createLinkedPair();
  const server = fullServerV1();
  const received: JSONRPCMessage[] = [];
  const client = makeClient(options);
  const connect = async () => {
    await server.connect(serverSide);
    const deliver = serverSide.onmessage;
    serverSide.onmessage = (message, extra) => {
      received.push(message);
      deliver?.(message, extra);
    };
    await client.connect(transport);
  };
  return { client, server, transport, received, connect };
}

const newClient = (options: ClientOptions): Client =>
  new Client({ name: 'agent', version: '1.2.3' }, options);

const TOOL = { inputSchema: { type: 'object' as const } };

function fullServerV1(): Server {
  const server = new Server(
    { name: 'full', version: '4.5.6' },
    {
      taskStore: new InMemoryTaskStore(),
      taskMessageQueue: new InMemoryTaskMessageQueue(),
      capabilities: {
        tools: {},
        resources: { subscribe: true },
        prompts: {},
        completions: {},
        logging: {},
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
      },
    },
  );
  addTools(server);
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [{ uri: 'note://1', name: 'n' }],
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [] }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: [{ uri: params.uri, text: 'a note' }],
  }));
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: 'greet' }] }));
  server.setRequestHandler(GetPromptRequestSchema, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }],
  }));
  server.setRequestHandler(CompleteRequestSchema, () => ({ completion: { values: ['done'] } }));
  server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  return server;
}

function addTools(server: Server): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [
      { ...TOOL, name: 'echo' },
      { ...TOOL, name: 'task', execution: { taskSupport: 'optional' } },
      { ...TOOL, name: 'typed', outputSchema: { type: 'object', required: ['n'] } },
    ],
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name } = params;
    if (name === 'hang') return new Promise(() => undefined);
    if (name === 'broken') return { ...said('it broke'), isError: true };
    if (params.task === undefined || extra.taskStore === undefined) return said(`said by ${name}`);
    const task = await extra.taskStore.createTask({ pollInterval: 5 });
    const endless = name === 'endless';
    if (!endless) await extra.taskStore.storeTaskResult(task.taskId, 'completed', said('the task is done'));
    return { task };
  });
}
