import { z } from 'zod';
import type { SdkCopy } from '../support/sdkCopy.js';
import { describeMessage, type Observation } from './observation.js';

type Client = InstanceType<SdkCopy['Client']>;
type McpServer = InstanceType<SdkCopy['McpServer']>;

/** A client and a server that have not met, and the way to make them. */
export interface World {
  readonly client: Client;
  readonly server: McpServer;
  connect(): Promise<void>;
  /** The server goes away. */
  lose(): Promise<void>;
}

/** What a tool is given beside its arguments, in v1 and in v2. */
interface Extra {
  readonly _meta?: { readonly progressToken?: string | number };
  readonly sendNotification?: (notification: object) => Promise<void>;
  readonly mcpReq?: {
    readonly _meta?: { readonly progressToken?: string | number };
    readonly notify: (notification: object) => Promise<void>;
  };
}

/** Makes a client and a real server of one copy of the SDK; what passes between them is put down. */
export function makeWorld(sdk: SdkCopy, seen: Observation): World {
  const server = new sdk.McpServer({ name: 'world', version: '1.0.0' }, { capabilities: { logging: {} } });
  addTools(server, seen);
  server.server.onerror = (error) => void seen.add(`onerror ${error.message}`, 'server');
  server.server.onclose = () => void seen.add('onclose', 'server');
  server.registerResource('note', 'note://one', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }));
  server.registerPrompt('greet', { argsSchema: z.object({ who: z.string() }) as never }, (({
    who,
  }: {
    who: string;
  }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `greet ${who}` } }],
  })) as never);
  const client = new sdk.Client({ name: 'agent', version: '1.0.0' });
  client.fallbackNotificationHandler = (notification) => {
    seen.add(describeMessage(notification), 'notifications');
    return Promise.resolve();
  };
  client.onerror = (error) => void seen.add(`onerror ${error.message}`, 'session');
  client.onclose = () => void seen.add('onclose', 'session');
  const [clientSide, serverSide] = sdk.InMemoryTransport.createLinkedPair();
  return {
    client,
    server,
    async connect() {
      const answer = serverSide.send.bind(serverSide);
      serverSide.send = (message, options) => {
        seen.add(describeMessage(message), `answers ${requestOf(message)}`);
        return answer(message, options);
      };
      await server.connect(serverSide);
      const send = clientSide.send.bind(clientSide);
      clientSide.send = (message, options) => {
        seen.add(describeMessage(message), 'wire');
        return send(message, options);
      };
      await client.connect(clientSide);
    },
    lose: () => server.close(),
  };
}

/** The request that a message of the server belongs to: of messages for several requests, the order is not compared. */
function requestOf(message: object): string {
  const { id, method, params } = message as { id?: unknown; method?: string; params?: Extra['_meta'] };
  return String(method === undefined ? id : (params?.progressToken ?? method));
}

/** What a handler is given, but for the `_meta` in which an audited client names its trace. */
const membersOf = (extra: object): string =>
  Object.entries(extra)
    .filter(([key]) => key !== '_meta')
    .map(([key, value]) => `${key}: ${typeof value}`)
    .sort()
    .join();

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function addTools(server: McpServer, seen: Observation): void {
  const register = (name: string, run: (args: Record<string, unknown>, extra: Extra) => unknown): void => {
    const inputSchema = z.object({
      message: z.unknown().optional(),
      count: z.number().optional(),
      ms: z.number().optional(),
    });
    const observed = (args: Record<string, unknown>, extra: Extra): unknown => {
      seen.add(`${name} of ${Object.keys(args).sort().join()}, with ${membersOf(extra)}`, 'handlers');
      return run(args, extra);
    };
    server.registerTool(name, { inputSchema: inputSchema as never }, observed as never);
  };
  register('echo', ({ message }) => ({ ...said(`said ${String(message)}`), structuredContent: { message } }));
  register('broken', () => ({ ...said('it broke'), isError: true }));
  register('throws', () => {
    throw new Error('the tool threw');
  });
  register('hangs', () => new Promise(() => undefined));
  register('waits', ({ ms }) => sleep(ms as number).then(() => said(`after ${String(ms)}`)));
  register('steps', async ({ count = 2 }, extra) => {
    for (let progress = 1; progress <= (count as number); progress++) await tell(extra, progress);
    return said('stepped');
  });
  register('asks', () => server.server.listRoots().then(() => said('asked')) as never);
}

async function tell({ _meta, sendNotification, mcpReq }: Extra, progress: number): Promise<void> {
  const progressToken = (mcpReq?._meta ?? _meta)?.progressToken;
  if (progressToken === undefined) return;
  const notification = { method: 'notifications/progress', params: { progressToken, progress, total: 3 } };
  await (mcpReq === undefined ? sendNotification?.(notification) : mcpReq.notify(notification));
}
