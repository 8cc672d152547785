// The callers that errors show in this process, with us (withLogging, provider) or without us (bare).
import { fileURLToPath } from 'node:url';
import { Client as ClientV2, InMemoryTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as TransportV1 } from '@modelcontextprotocol/sdk/inMemory.js';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { audited, rejection } from '../audited.js';

const OWN_FILE = fileURLToPath(import.meta.url);
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

const OUTPUT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const TOOLS = ['refused', 'silent', 'invalid'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
  ...(name === 'invalid' && { outputSchema: OUTPUT }),
}));

/** What the server answers; nothing where it is silent. */
function answerTo({ method, params }: Message): object | undefined {
  if (method === 'initialize') {
    const serverInfo = { name: 'scripted', version: '1' };
    return { result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } };
  }
  if (method === 'tools/list') return { result: { tools: TOOLS } };
  if (params?.name === 'refused') return { error: { code: -32602, message: 'no such thing' } };
  if (params?.name === 'invalid') return { result: { content: [], structuredContent: { text: 1 } } };
  return undefined;
}

interface Sdk {
  readonly Client: typeof ClientV1 | typeof ClientV2;
  readonly Transport: typeof TransportV1 | typeof TransportV2;
}

/** A client whose server answers from outside of all calls. */
function connectable({ Client, Transport }: Sdk) {
  const [transport, serverSide] = (Transport as typeof TransportV1).createLinkedPair();
  const client = new Client({ name: 'agent', version: '1' }, {}) as ClientV1;
  serverSide.onmessage = (message) => {
    const { id } = message as Message;
    const answer = answerTo(message as Message);
    if (id !== undefined && answer !== undefined)
      setImmediate(() => void serverSide.send({ jsonrpc: '2.0', id, ...answer } as never));
  };
  return { client, transport, connect: () => client.connect(transport) };
}

type Options = Parameters<ClientV1['callTool']>[2];

/** Callers of callers, as deep as what Node.js keeps of a stack. */
async function call(client: ClientV1, name: string, options?: Options): Promise<unknown> {
  const first = async () => await client.callTool({ name }, undefined as never, options);
  const second = async () => await first();
  const third = async () => await second();
  const fourth = async () => await third();
  const fifth = async () => await fourth();
  return await fifth();
}

/** v2 has no second parameter. */
async function callV2(client: ClientV1, name: string, options?: Options): Promise<unknown> {
  const callTool = client.callTool.bind(client) as unknown as ClientV2['callTool'];
  const first = async () => await callTool({ name }, options as never);
  const second = async () => await first();
  const third = async () => await second();
  const fourth = async () => await third();
  const fifth = async () => await fourth();
  return await fifth();
}

/** The frames of the callers among those that an error keeps. */
function callersIn(error: unknown): string[] {
  const lines = String((error as Error).stack).split('\n');
  return lines
    .filter((line) => line.includes(OWN_FILE))
    .map((line) => line.replace(/^.*\sat\s+|\s*\(.*$/g, ''));
}

const SDKS: Record<string, [Sdk, typeof call]> = {
  v1: [{ Client: ClientV1, Transport: TransportV1 }, call],
  v2: [{ Client: ClientV2, Transport: TransportV2 }, callV2],
};

type Failing = (pair: ReturnType<typeof connectable>, act: typeof call) => Promise<unknown>;

const FAILURES: Record<string, Failing> = {
  'an error of the protocol': ({ client }, act) => act(client, 'refused'),
  'an answer that the client refuses': async ({ client }, act) => {
    await client.listTools();
    return act(client, 'invalid');
  },
  'a timeout': ({ client }, act) => act(client, 'silent', { timeout: 1 }),
  'a signal that was aborted before': ({ client }, act) =>
    act(client, 'silent', { signal: AbortSignal.abort() }),
  'a signal that is aborted': ({ client }, act) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return act(client, 'silent', { signal: controller.signal });
  },
  'a transport that throws': ({ client, transport }, act) => {
    transport.send = () => {
      throw new Error('cannot send');
    };
    return act(client, 'silent');
  },
  'a transport that rejects': ({ client, transport }, act) => {
    transport.send = async () => {
      await Promise.resolve();
      throw new Error('cannot send');
    };
    return act(client, 'silent');
  },
  'a connection that is closed': async ({ client }, act) => {
    await client.close();
    return act(client, 'silent');
  },
};

const { how } = JSON.parse(process.argv[2] ?? '{}') as { how: 'bare' | 'withLogging' | 'provider' };
if (how === 'provider') new NodeTracerProvider().register();

for (const [version, [sdk, act]] of Object.entries(SDKS)) {
  for (const [kind, fail] of Object.entries(FAILURES)) {
    const pair = connectable(sdk);
    if (how !== 'bare') audited(pair.client as never);
    await pair.connect();
    const error = await rejection(fail(pair, act));
    process.stdout.write(
      `${JSON.stringify({ failure: `${kind} (${version})`, callers: callersIn(error) })}\n`,
    );
    await pair.client.close();
  }
}
process.stdout.write(`${JSON.stringify({ failure: 'none', callers: [String(Error.stackTraceLimit)] })}\n`);
