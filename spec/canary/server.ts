import { type Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  type ServerNotification,
} from '@modelcontextprotocol/sdk/types.js';
import type { Canaries } from './canaries.js';

const CAPABILITIES = {
  tools: { listChanged: true },
  resources: { subscribe: true },
  prompts: {},
  completions: {},
  logging: {},
};
const PNG = (text: string) => `data:text/plain;base64,${Buffer.from(text).toString('base64')}`;

/** A client of SDK v1 and a server that tells secrets wherever the protocol has room for one. */
export function tellingPair(canaries: Canaries, makeClient: (options: ClientOptions) => Client) {
  const [transport, serverSide] = InMemoryTransport.createLinkedPair();
  const experimental = { custom: canaries.json('server capabilities') };
  const server = new Server(
    { name: `server ${canaries.text('server name')}`, version: `1 ${canaries.text('server version')}` },
    { capabilities: { ...CAPABILITIES, experimental }, instructions: canaries.text('instructions') },
  );
  addTools(server, canaries);
  addResources(server, canaries);
  const client = makeClient({
    capabilities: {
      elicitation: {},
      sampling: {},
      roots: {},
      experimental: { custom: canaries.json('client capabilities') },
    },
  });
  const connect = async () => {
    await server.connect(serverSide);
    await client.connect(transport);
  };
  return { client, server, transport, connect };
}

function addTools(server: Server, canaries: Canaries): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [
      {
        name: 'tell',
        // Another one at each listing: the definition changes.
        description: canaries.text('tool description'),
        inputSchema: {
          type: 'object' as const,
          properties: { q: { default: canaries.text('schema default') } },
        },
        annotations: { title: canaries.text('tool title') },
      },
    ],
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const place = `result of ${params.name.slice(0, 6)}`;
    if (params.name === 'hang') return new Promise(() => undefined);
    if (params.name === 'fail')
      throw new McpError(
        -32050,
        canaries.text('JSON-RPC error message'),
        canaries.json('JSON-RPC error data'),
      );
    const { progressToken = 0 } = params._meta ?? {};
    const notify = (method: string, more: object) =>
      extra.sendNotification({ method, params: more } as ServerNotification);
    await notify('notifications/progress', {
      progressToken,
      progress: 1,
      message: canaries.text('progress'),
    });
    await notify('notifications/message', { level: 'info', data: canaries.json('server log message') });
    return {
      content: [
        { type: 'text' as const, text: canaries.text(`${place}, text`) },
        { type: 'text' as const, text: JSON.stringify(canaries.json(`${place}, JSON text`)) },
        { type: 'text' as const, text: PNG(canaries.text(`${place}, data URL`)) },
        { type: 'resource_link' as const, uri: canaries.uri(`${place}, link`), name: 'link' },
        {
          type: 'resource' as const,
          resource: { uri: canaries.uri(`${place}, resource`), text: canaries.text(place) },
        },
      ],
      structuredContent: canaries.json(`${place}, structured`),
      _meta: canaries.json(`${place}, _meta`),
      isError: params.name === 'broken',
    };
  });
}

function addResources(server: Server, canaries: Canaries): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [
      { uri: canaries.uri('listed resource'), name: 'n', description: canaries.text('resource description') },
    ],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
    if (params.uri.startsWith('missing')) throw new McpError(-32002, `no such resource: ${params.uri}`);
    return { contents: [{ uri: params.uri, text: canaries.text('resource text') }] };
  });
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: [{ name: 'ask', description: canaries.text('prompt description') }],
  }));
  server.setRequestHandler(GetPromptRequestSchema, () => ({
    description: canaries.text('prompt result'),
    messages: [
      { role: 'user' as const, content: { type: 'text' as const, text: canaries.text('prompt message') } },
    ],
  }));
  server.setRequestHandler(CompleteRequestSchema, () => ({
    completion: { values: [canaries.text('completion')] },
  }));
  server.setRequestHandler(SetLevelRequestSchema, () => ({}));
}
