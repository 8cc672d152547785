import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as TransportV1 } from '@modelcontextprotocol/sdk/inMemory.js';
import { Client as ClientV2, InMemoryTransport as TransportV2 } from '@modelcontextprotocol/client';
import type { MemorySink } from './memorySink.js';
import { audited } from './audited.js';

/** The SDKs and, of v2, the eras: every way in which an operation can go. */
export const SDKS = ['v1', 'v2 legacy', 'v2 modern'] as const;
export type Sdk = (typeof SDKS)[number];

/** A request as it came over the wire. */
export interface RawRequest {
  readonly id: unknown;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** What a script answers with: a result, a JSON-RPC error, or nothing at all. */
export type RawAnswer = { result: object } | { error: { code: number; message: string } } | undefined;

/** A client of one of the SDKs, seen through what both have. */
export interface AnyClient {
  callTool(params: object, ...rest: unknown[]): Promise<unknown>;
  listTools(): Promise<unknown>;
  request(request: object, ...rest: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

/** A connected, audited client, and a server that answers what a test has it answer. */
export interface RawPair {
  readonly client: AnyClient;
  readonly sink: MemorySink;
  /** Calls a tool, with request options wherever the SDK has them. */
  call(name: string, options?: object): Promise<unknown>;
  /** Ends the connection from the server's side. */
  hangUp(): Promise<void>;
}

/** The least transport that both SDKs have. */
interface RawTransport {
  onmessage?: unknown;
  start(): Promise<void>;
  close(): Promise<void>;
  send(message: never): Promise<void>;
}

/** Connects a client of that SDK to a server that is nothing but a script. */
export async function rawPair(
  sdk: Sdk,
  script: (request: RawRequest) => RawAnswer,
  options: object = {},
): Promise<RawPair> {
  const [clientSide, serverSide] =
    sdk === 'v1' ? TransportV1.createLinkedPair() : TransportV2.createLinkedPair();
  serve(serverSide, script);
  await serverSide.start();
  const info = { name: 'agent', version: '1.2.3' };
  const modern = sdk === 'v2 modern' && { versionNegotiation: { mode: 'auto' as const } };
  const client = sdk === 'v1' ? new ClientV1(info, options) : new ClientV2(info, { ...options, ...modern });
  const sink = audited(client);
  await client.connect(clientSide as never);
  return {
    client: client as unknown as AnyClient,
    sink,
    call: (name, given) => {
      const rest = given === undefined ? [] : sdk === 'v1' ? [undefined, given] : [given];
      return (client as unknown as AnyClient).callTool({ name, arguments: {} }, ...rest);
    },
    hangUp: () => serverSide.close(),
  };
}

const CAPABILITIES = { tools: {}, resources: {}, prompts: {}, completions: {} };

function serve(transport: RawTransport, script: (request: RawRequest) => RawAnswer): void {
  transport.onmessage = (request: RawRequest) => {
    if (request.id === undefined) return;
    const answer = script(request) ?? handshake(request);
    if (answer === undefined) return;
    // A task of its own, as over any wire.
    setImmediate(() => void transport.send({ jsonrpc: '2.0', id: request.id, ...answer } as never));
  };
}

function handshake({ method, params }: RawRequest): RawAnswer {
  const serverInfo = { name: 'raw', version: '4.5.6' };
  if (method === 'initialize') {
    const { protocolVersion } = params as { protocolVersion: string };
    return { result: { protocolVersion, capabilities: CAPABILITIES, serverInfo } };
  }
  if (method !== 'server/discover') return undefined;
  // A client of the era before does not ask; one that does is told of this revision alone.
  return {
    result: modern({ supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES }, serverInfo),
  };
}

/** A complete result of revision 2026-07-28; those before take what they do not know for an extension. */
export function modern(result: object, serverInfo: object = { name: 'raw', version: '4.5.6' }): object {
  const meta = { 'io.modelcontextprotocol/serverInfo': serverInfo };
  return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: meta, ...result };
}
