import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { until } from '../support/builtCli.js';
import { ScriptedSink } from '../support/scriptedSink.js';
import { startGateway } from './overHttp.js';
import { lines, withoutTrace } from './programs.js';
import { json, result, rpc, startRaw, type Got } from './rawHttpServer.js';

type Raw = Awaited<ReturnType<typeof startRaw>>;
type Gateway = ReturnType<typeof startGateway>;
type Script = Parameters<typeof startRaw>[0];

interface Message {
  readonly id?: unknown;
  readonly method?: string;
}

const messageOf = ({ body }: Got): Message =>
  body.length === 0 ? {} : (JSON.parse(body.toString()) as Message);
const HANDSHAKE = rpc(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'desk', version: '3' },
});
const READY = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const AGREED = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'far', version: '9' } };

function events(response: ServerResponse, headers: Record<string, string> = {}): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
}

/** A server that shakes hands, accepts what asks for nothing, and leaves the rest to a test. */
const session =
  (rest: Script): Script =>
  (got, response, request) => {
    const { id, method } = messageOf(got);
    if (method === 'initialize') json(response, result(id, AGREED), 200, { 'Mcp-Session-Id': 'abc' });
    else if (got.method === 'DELETE') response.writeHead(204).end();
    else if (got.method === 'POST' && id === undefined) response.writeHead(202).end();
    else rest(got, response, request);
  };

describe('a relay between standard streams and HTTP', () => {
  let server: Raw;
  let relay: Gateway;
  const start = async (script: Script, options: Parameters<typeof startGateway>[1] = {}): Promise<void> => {
    server = await startRaw(script);
    relay = startGateway(server.url, options);
  };
  const say = (...messages: string[]): void => relay.say(messages.map((message) => `${message}\n`).join(''));
  afterEach(async () => {
    relay.abort();
    await relay.end();
    await server.close();
  });

  it('keeps the session for its client, and leaves it in the end', async () => {
    await start(
      session((got, response) => {
        if (got.method === 'GET') response.writeHead(405).end();
        else json(response, result(messageOf(got).id, { tools: [] }));
      }),
    );
    // All at once: nothing may overtake the handshake.
    say(HANDSHAKE, READY, rpc(1, 'tools/list'));
    await relay.end();
    expect(relay.heard()).to.deep.equal([result(0, AGREED), result(1, { tools: [] })]);
    expect(
      server.got.map(({ method, headers }) => [
        method,
        headers['mcp-session-id'],
        headers['mcp-protocol-version'],
      ]),
    ).to.deep.equal([
      ['POST', undefined, undefined],
      ['POST', 'abc', '2025-06-18'],
      ...server.got.slice(2).map(({ method }) => [method, 'abc', '2025-06-18']),
    ]);
    expect(server.got.at(-1)!.method).to.equal('DELETE');
    const { records } = relay.sink;
    expect(records.map(({ resource }) => resource)).to.deep.equal([
      'session/initialize',
      'tools/list',
      'session/close',
    ]);
    expect(records[1]).to.include({ client_id: 'desk', server_id: 'far' });
    expect(records[1]!.mcp).to.include({
      transport: 'streamable-http',
      http_status: 200,
      protocol_version: '2025-06-18',
    });
  });

  it('says what the headers of revision 2026-07-28 have to say', async () => {
    await start((got, response) => json(response, result(messageOf(got).id)));
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    say(rpc(1, 'tools/call', { name: 'größe', _meta }), rpc(2, 'tools/list', { _meta }));
    await relay.end();
    const [call, list] = server.got.map(({ headers }) => headers);
    expect(call).to.include({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?Z3LDtsOfZQ==?=',
    });
    expect(list).to.include({ 'mcp-method': 'tools/list' }).and.not.to.have.property('mcp-name');
  });

  it('hears what the server says unasked, and has its questions answered', async () => {
    const question = rpc('q', 'roots/list');
    await start(
      session((got, response) => {
        if (got.method === 'GET') events(response).write(`event: message\ndata: ${question}\n\n`);
        else response.writeHead(202).end();
      }),
    );
    say(HANDSHAKE, READY);
    await until(() => relay.heard().length === 2);
    expect(relay.heard()[1]).to.equal(question);
    const answer = result('q', { roots: [{ uri: 'file:///work' }] });
    say(answer);
    await until(() => server.got.length === 4);
    expect(server.got[3]!.body.toString()).to.equal(answer);
    await relay.end();
    expect(relay.sink.only('roots/list')).to.include({ outcome: 'OUTCOME_SUCCESS' });
  });

  it('goes on where a stream has broken off', async () => {
    await start(
      session((got, response) => {
        if (got.method === 'POST') events(response).end('id: e1\nretry: 1\ndata:\n\n');
        else if (got.headers['last-event-id'] === undefined) response.writeHead(405).end();
        else if (got.headers['last-event-id'] === 'e1') events(response).end('id: e2\ndata: \n\n');
        else events(response).end(`id: e3\ndata: ${result(5, { done: true })}\n\n`);
      }),
    );
    say(HANDSHAKE, rpc(5, 'tools/call', { name: 'slow' }));
    await relay.end();
    expect(relay.heard()[1]).to.equal(result(5, { done: true }));
    expect(server.got.flatMap(({ headers }) => headers['last-event-id'] ?? [])).to.deep.equal(['e1', 'e2']);
    expect(relay.sink.only('tools/call')).to.include({ outcome: 'OUTCOME_SUCCESS' });
  });

  it('tells its client why a request has no answer', async () => {
    let status = 0;
    await start((got, response) => {
      status = Number(messageOf(got).id);
      if (status === 200) events(response).end(': nothing\n\n');
      else if (status === 404)
        json(
          response,
          '{"jsonrpc":"2.0",\n"error":{"code":-32001,"message":"Session not found"},"id":null}',
          404,
        );
      else response.writeHead(status, { 'content-type': 'text/plain' }).end('no');
    });
    for (const id of [401, 404, 500, 200]) say(rpc(id, 'tools/call', { name: 'x' }));
    await until(() => relay.heard().length === 4);
    await server.close();
    say(rpc(1, 'tools/call', { name: 'x' }));
    await relay.end();
    const errors = new Map(
      relay.heard().map((line) => {
        const { id, error } = JSON.parse(line) as {
          id: number;
          error: { code: number; message: string; data?: object };
        };
        return [id, error];
      }),
    );
    expect(errors.get(401)).to.deep.include({ code: -32012, data: { reason: 'http_status', status: 401 } });
    expect(errors.get(401)!.message).to.include('--header');
    expect(errors.get(404)).to.deep.equal({ code: -32001, message: 'Session not found' });
    expect(errors.get(500)!.data).to.deep.equal({ reason: 'http_status', status: 500 });
    expect(errors.get(200)!.data).to.deep.equal({ reason: 'stream_ended' });
    expect(errors.get(1)!.data).to.deep.equal({ reason: 'unreachable' });
    expect(relay.sink.of('tools/call').map(({ outcome }) => outcome)).to.include(
      'OUTCOME_FAILURE_UNAUTHORIZED',
    );
  });

  it('follows a redirection within the server, with its token, and no other', async () => {
    await start(
      (got, response) => {
        if (got.url === '/mcp') response.writeHead(307, { location: '/v2/mcp' }).end();
        else if (messageOf(got).id === 1) json(response, result(1));
        else response.writeHead(307, { location: 'http://127.0.0.1:9/mcp' }).end();
      },
      { headers: ['Authorization', 'Bearer hidden'] },
    );
    say(rpc(1, 'tools/list'), rpc(2, 'tools/list'));
    await relay.end();
    expect(relay.heard()).to.include(result(1));
    expect(server.got.map(({ headers }) => headers.authorization)).to.deep.equal(
      Array(4).fill('Bearer hidden'),
    );
    expect(JSON.stringify(relay.sink.records)).not.to.include('hidden');
  });

  it('lets a cancellation overtake the answer', async () => {
    let answer: () => void = () => undefined;
    await start((got, response) => {
      if (messageOf(got).id === undefined) {
        response.writeHead(202).end();
        answer();
      } else answer = () => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
    });
    say(
      rpc(1, 'tools/call', { name: 'x' }),
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
    );
    await relay.end();
    expect(relay.sink.only('tools/call').error?.type).to.equal('cancelled');
    expect(relay.heard()).to.deep.equal([]);
  });

  it('sends nothing whose intent is not durable (blocking-strict)', async () => {
    await start((_, response) => void response.writeHead(202).end(), {
      sink: new ScriptedSink('broken', [], 'permanent'),
      mode: 'blocking-strict',
      exportTimeoutMillis: 200,
    });
    say(rpc(1, 'tools/call', { name: 'x' }));
    await relay.end();
    expect(relay.heard()[0]).to.include('"code":-32010');
    expect(server.got).to.deep.equal([]);
  });

  it('gives one line for each message, whatever it is written like', async () => {
    await start((got, response) =>
      json(response, JSON.stringify({ jsonrpc: '2.0', id: messageOf(got).id, result: { a: [1] } }, null, 2)),
    );
    say(rpc(1, 'tools/list'));
    await relay.end();
    expect(relay.heard()).to.have.length(1);
    expect(JSON.parse(relay.heard()[0]!)).to.deep.include({ result: { a: [1] } });
  });

  it('passes messages of any length, in either direction', async () => {
    const length = 20 * 1024 * 1024;
    await start((got, response) => {
      if (got.body.length > length) return void response.writeHead(202).end();
      const { id } = messageOf(got);
      const big = result(id, { big: 'y'.repeat(length) });
      if (id === 1) json(response, big);
      else events(response).end(`id: 7\ndata: ${big}\n\n`);
    });
    say(
      rpc(0, 'tools/call', { name: 'x', arguments: { big: 'x'.repeat(length) } }),
      rpc(1, 'tools/list'),
      rpc(2, 'tools/list'),
    );
    await relay.end();
    const wanted = [1, 2].map((id) => result(id, { big: 'y'.repeat(length) }).length);
    expect(relay.heard().map((line) => line.length)).to.include.members(wanted);
    expect(relay.sink.of('unreadable')).to.have.length(3);
  }).timeout(20_000);

  it('sends what its client says byte for byte, but for the trace context', async () => {
    await start((_, response) => void response.writeHead(202).end());
    await fc.assert(
      fc.asyncProperty(lines, async (said) => {
        server.got.length = 0;
        const each = startGateway(server.url, { mode: 'batch' });
        for (const line of said) each.say(line);
        await each.end();
        const wanted = said
          .map((line) => line.toString('latin1').replace(/\n$/, ''))
          .filter((line) => !/^[\t-\r ]*$/.test(line));
        expect(server.got.map(({ body }) => withoutTrace(body.toString('latin1')))).to.have.members(wanted);
      }),
      { numRuns: 25 },
    );
  });

  it('gives its client what the server says byte for byte', async () => {
    let told: readonly Buffer[] = [];
    await start((_, response) => {
      events(response);
      for (const line of told) {
        const text = line.toString('latin1').replace(/\r?\n$/, '');
        response.write(Buffer.from(`data: ${text}\n\n`, 'latin1'));
      }
      response.end();
    });
    await fc.assert(
      fc.asyncProperty(lines, async (said) => {
        told = said.filter((line) => line.subarray(0, -1).every((byte) => byte !== 13 && byte !== 10));
        const each = startGateway(server.url, { mode: 'batch' });
        each.say('{"method":"notifications/x"}\n');
        await each.end();
        const wanted = told
          .map((line) => line.toString('latin1').replace(/\r?\n$/, ''))
          .filter((line) => line !== '');
        expect(each.bytes().toString('latin1').split('\n').slice(0, -1)).to.deep.equal(wanted);
      }),
      { numRuns: 25 },
    );
  });
});
