import { randomUUID } from 'node:crypto';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer as ServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { createMcpHandler, McpServer as ServerV2 } from '@modelcontextprotocol/server';
import { expect } from 'chai';
import { z } from 'zod';
import type { McpClientLike } from '../../lib/capture/client.js';
import { withLogging } from '../../lib/withLogging.js';
import { settled } from '../support/audited.js';
import { MemorySink } from '../support/memorySink.js';

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
const INFO = { name: 'fixture', version: '4.5.6' };
const AGENT = { name: 'agent', version: '1.2.3' };
const ECHO = { inputSchema: z.object({ message: z.string() }) };

/** A server of v1 over real HTTP: with sessions, or anew for each request. */
class HttpV1 {
  readonly sink = new MemorySink();
  readonly transports = new Map<string, StreamableHTTPServerTransport>();
  readonly #http: HttpServer;
  readonly #sessions: boolean;

  constructor(sessions: boolean) {
    this.#sessions = sessions;
    this.#http = createServer((request, response) => {
      const known = this.transports.get(String(request.headers['mcp-session-id']));
      void Promise.resolve(known ?? this.#begin()).then((transport) => {
        if (!sessions) response.on('close', () => void transport.close());
        return transport.handleRequest(request, response);
      });
    });
  }

  async #begin(): Promise<StreamableHTTPServerTransport> {
    const server = new ServerV1(INFO);
    server.registerTool('echo', ECHO, ({ message }) => said(`said ${message}`));
    server.registerTool('hang', {}, () => new Promise(() => undefined));
    withLogging(server, { sink: this.sink, environment: 'test' });
    const transport = new StreamableHTTPServerTransport({
      ...(this.#sessions && { sessionIdGenerator: () => randomUUID() }),
      onsessioninitialized: (id) => void this.transports.set(id, transport),
    });
    await server.connect(transport as never);
    return transport;
  }

  async start(): Promise<URL> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    return new URL(`http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`);
  }

  async stop(): Promise<void> {
    for (const transport of this.transports.values()) await transport.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

describe('a server of SDK v1 over streamable HTTP', () => {
  let server: HttpV1;
  let client: ClientV1;
  let transport: TransportV1;

  const start = async (sessions: boolean): Promise<void> => {
    server = new HttpV1(sessions);
    client = new ClientV1(AGENT);
    transport = new TransportV1(await server.start());
    await client.connect(transport as never);
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await settled();
  };

  afterEach(async () => {
    await client.close();
    await server.stop();
  });

  it('records a session that its client ends with a DELETE', async () => {
    await start(true);
    await transport.terminateSession();
    await settled();
    const { sink } = server;
    const [login, call, logout] = ['initialize', 'tools/call', 'close'].map((method) => sink.only(method));
    for (const record of [login, call, logout]) {
      expect(record?.mcp).to.include({ side: 'server', transport: 'streamable-http' });
      expect(record?.mcp?.session_id, record?.resource).to.be.a('string').and.not.equal(transport.sessionId);
      expect(record?.session_id).to.equal(login?.session_id);
      expect(record?.client_id).to.equal('agent');
    }
    expect(logout).to.include({ outcome: 'OUTCOME_SUCCESS' });
    expect(logout?.mcp).to.include({ ended_by: 'client' });
    expect(logout?.mcp?.requests).to.include({ sent: 2, recorded: 2 });
  });

  it('records a session that the server drops, once', async () => {
    await start(true);
    for (const each of server.transports.values()) await each.close();
    await settled();
    expect(server.sink.only('close').mcp?.ended_by).to.equal('server');
  });

  it('records a call whose HTTP request the client breaks off and then cancels', async () => {
    await start(true);
    const stop = new AbortController();
    const call = client.callTool({ name: 'hang' }, undefined, { signal: stop.signal }).catch(() => 'stopped');
    await settled();
    stop.abort();
    expect(await call).to.equal('stopped');
    for (let turn = 0; turn < 50 && server.sink.of('tools/call').length < 2; turn++) await settled();
    expect(server.sink.of('tools/call')[1]?.error?.type).to.equal('cancelled');
  });

  it('records that it takes up a session which another process has opened', async () => {
    await start(true);
    const [[id, known] = []] = [...server.transports];
    // What programs do that keep their sessions elsewhere: a new transport gets the state of the one that is gone.
    const sink = new MemorySink();
    const next = new ServerV1(INFO);
    next.registerTool('echo', ECHO, ({ message }) => said(`said ${message}`));
    withLogging(next, { sink, environment: 'test' });
    const resumed = new StreamableHTTPServerTransport({ sessionIdGenerator: () => String(id) });
    Object.assign(Reflect.get(resumed, '_webStandardTransport') as object, {
      _initialized: true,
      sessionId: id,
    });
    await next.connect(resumed as never);
    server.transports.set(String(id), resumed);
    await client.callTool({ name: 'echo', arguments: { message: 'again' } });
    await transport.terminateSession();
    await known?.close();
    await settled();
    const operations = sink.records.filter(({ mcp }) => mcp !== undefined);
    expect(operations.map(({ resource }) => resource)).to.deep.equal([
      ...['session/resume', 'tools/echo', 'session/close'],
    ]);
    expect(operations[0]).to.include({ event_type: 'EVENT_LOGIN', outcome: 'OUTCOME_SUCCESS' });
    expect(new Set(operations.map(({ session_id }) => session_id)).size).to.equal(1);
  });

  it('records the requests of a stateless server, which has no sessions', async () => {
    await start(false);
    const { sink } = server;
    const call = sink.only('tools/call');
    expect(call.outcome).to.equal('OUTCOME_SUCCESS');
    expect(call.mcp?.protocol_version).to.match(/^20/);
    expect(call.mcp).not.to.have.property('session_id');
    expect(sink.only('initialize').client_id).to.equal('agent');
    expect(sink.of('close')).to.deep.equal([]);
  });
});

/** A sink that vouches for what it takes, as mode `blocking-strict` asks. */
class StrictSink extends MemorySink {
  requireAck(): void {
    return;
  }
}

describe('a server of SDK v2 behind createMcpHandler', () => {
  /** The HTTP status that a server of node:http gives to a request, and what its client was answered. */
  const answerOf = async (
    method: string,
    sink: MemorySink | undefined,
    mode: 'blocking' | 'blocking-strict',
  ) => {
    const handler = createMcpHandler(() => {
      const server = new ServerV2(INFO);
      server.registerTool('echo', ECHO, ({ message }) => said(`said ${message}`));
      if (sink !== undefined)
        withLogging(server as unknown as McpClientLike, { sink, environment: 'test', mode });
      return server;
    });
    const http = createServer((request, response) => {
      const { url = '', method: verb, headers } = request;
      const body = verb === 'POST' ? { body: Readable.toWeb(request), duplex: 'half' } : {};
      const init = { method: verb, headers, ...body } as unknown as RequestInit;
      void handler.fetch(new Request(new URL(url, 'http://127.0.0.1'), init)).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    let status = 0;
    const transport = new TransportV2(
      new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
      {
        fetch: async (target, init) => {
          const response = await fetch(target, init);
          ({ status } = response);
          return response;
        },
      },
    );
    const client = new ClientV2(AGENT, { versionNegotiation: { mode: 'auto' } });
    await client.connect(transport);
    const params = { name: 'echo', arguments: { message: 'hello' } };
    const answer = await client
      .request({ method, params }, z.object({}).loose())
      .catch((error: Error) => error);
    await client.close();
    await handler.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    return { status, answer };
  };

  for (const mode of ['blocking', 'blocking-strict'] as const) {
    it(`refuses what no handler takes with the status of a bare server, and has it on record, ${mode}`, async () => {
      const sink = new StrictSink();
      const bare = await answerOf('tools/unheard-of', undefined, mode);
      const audited = await answerOf('tools/unheard-of', sink, mode);
      expect([bare.status, audited.status]).to.deep.equal([404, 404]);
      expect(String(audited.answer)).to.equal(String(bare.answer));
      await settled();
      const records = sink.of('tools/unheard-of').filter(({ stage }) => stage === undefined);
      expect(records).to.have.length(1);
      expect(records[0]?.outcome).to.match(/^OUTCOME_FAILURE/);
    });
  }

  it('runs a handler after the intent is on record, and answers as a bare server, blocking-strict', async () => {
    const sink = new StrictSink();
    const { answer, status } = await answerOf('tools/call', sink, 'blocking-strict');
    expect(status).to.equal(200);
    expect(answer).to.have.property('content').that.deep.equals(said('said hello').content);
    await settled();
    expect(sink.of('tools/call').map(({ stage }) => stage)).to.deep.equal(['request_received', undefined]);
  });

  for (const mode of ['auto', undefined] as const) {
    it(`records each request with its client, ${mode ?? 'legacy'} era`, async () => {
      const sink = new MemorySink();
      const handler = createMcpHandler(() => {
        const server = new ServerV2(INFO);
        server.registerTool('echo', ECHO, ({ message }) => said(`said ${message}`));
        withLogging(server as unknown as McpClientLike, { sink, environment: 'test' });
        return server;
      });
      const url = new URL('http://127.0.0.1/mcp');
      const transport = new TransportV2(url, {
        fetch: (target, init) => handler.fetch(new Request(target, init)),
      });
      const client = new ClientV2(AGENT, mode && { versionNegotiation: { mode } });
      await client.connect(transport);
      const params = { name: 'echo', arguments: { message: 'hello' } };
      expect((await client.callTool(params)).content).to.deep.equal(said('said hello').content);
      await client.close();
      await handler.close();
      await settled();
      const call = sink.only('tools/call');
      expect(call).to.include({ outcome: 'OUTCOME_SUCCESS', server_id: 'fixture' });
      expect(call.mcp).to.include({ transport: 'streamable-http', side: 'server', handler: 'returned' });
      expect(call.mcp?.protocol_version).to.equal(
        mode === 'auto' ? '2026-07-28' : client.getNegotiatedProtocolVersion(),
      );
      if (mode === 'auto') expect(call.client_id).to.equal('agent');
      expect(sink.of('close')).to.deep.equal([]);
    });
  }
});
