import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { Agent, fetch as undiciFetch } from 'undici';
import { McpInstrumentation, instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { ATTR } from '../../lib/capture/telemetry.js';
import { makeAuthority } from '../support/certificates.js';

const authority = makeAuthority();
const info = { name: 'agent', version: '1.2.3' };

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

const answer: RequestListener = (request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  let body = '';
  request.on('data', (piece: Buffer) => (body += String(piece)));
  request.on('end', () => {
    const { id, method, params } = JSON.parse(body) as Message;
    if (id === undefined) return void response.writeHead(202).end();
    const protocolVersion = params?.protocolVersion;
    const serverInfo = { name: 'tls', version: '1.0.0' };
    const handshake = { protocolVersion, capabilities: { tools: {} }, serverInfo };
    const result = method === 'initialize' ? handshake : { tools: [] };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
};

describe('the version of HTTP over TLS', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let instrumentation: McpInstrumentation;
  let server: ReturnType<typeof createServer> | Http2SecureServer | undefined;
  let agent: Agent | undefined;

  before(() => {
    instrumentation = new McpInstrumentation();
    instrumentation.setTracerProvider(provider);
    for (const Client of [ClientV1, ClientV2]) instrumentClient(Client);
  });
  after(() => {
    instrumentation.disable();
    disableSource(defaultSource);
  });
  beforeEach(() => exporter.reset());
  afterEach(async () => {
    await agent?.destroy();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  });

  const start = async (withH2: boolean): Promise<URL> => {
    const credentials = authority.issue('localhost');
    server = withH2
      ? createSecureServer({ ...credentials, allowHTTP1: true }, answer as never)
      : createServer(credentials, answer);
    await new Promise<void>((resolve) => server?.listen(0, resolve));
    return new URL(`https://localhost:${(server.address() as AddressInfo).port}/mcp`);
  };

  /** Connects, lists and closes; gives the version on each span. */
  const versions = async (sdk: 'v1' | 'v2', url: URL, fetch: unknown) => {
    const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info);
    const options = { fetch: fetch as typeof globalThis.fetch };
    const transport = sdk === 'v1' ? new TransportV1(url, options) : new TransportV2(url, options);
    await client.connect(transport as never);
    await client.listTools();
    await client.close();
    return exporter.getFinishedSpans().map(({ attributes }) => attributes[ATTR.networkProtocolVersion]);
  };

  for (const sdk of ['v1', 'v2'] as const) {
    for (const [version, allowH2] of [
      ['1.1', false],
      ['2', true],
    ] as const) {
      it(`${sdk}: is what was negotiated: ${version}`, async () => {
        agent = new Agent({ allowH2, connect: { ca: authority.ca } });
        const dispatcher = agent;
        const fetch = (target: never, init: object) => undiciFetch(target, { ...init, dispatcher });
        const seen = await versions(sdk, await start(allowH2), fetch);
        expect(new Set(seen)).to.deep.equal(new Set([version]));
      });
    }
  }
});
