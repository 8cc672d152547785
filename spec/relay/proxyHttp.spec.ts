import { once } from 'node:events';
import { request as ask } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { startProxy } from './overHttp.js';
import { withoutTrace } from './programs.js';
import { json, result, rpc, send, startRaw, type Got } from './rawHttpServer.js';
import { until } from '../support/builtCli.js';
import { ScriptedSink } from '../support/scriptedSink.js';

type Raw = Awaited<ReturnType<typeof startRaw>>;
type Relay = Awaited<ReturnType<typeof startProxy>>;
type Script = Parameters<typeof startRaw>[0];

const idOf = ({ body }: Got): unknown => (JSON.parse(body.toString()) as { id?: unknown }).id;
const CALL = rpc(7, 'tools/call', { name: 'pay', arguments: { to: 'x' } });

describe('HTTP through a relay', () => {
  let server: Raw;
  let relay: Relay;
  const start = async (script: Script, options: Parameters<typeof startProxy>[1] = {}): Promise<void> => {
    server = await startRaw(script);
    relay = await startProxy(server.url, options);
  };
  afterEach(async () => {
    await relay.close();
    await server.close();
  });

  it('keeps what is about the message, and drops what is about a connection', async () => {
    await start((got, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('X-Hop', 'secret');
      response.setHeader('Connection', 'X-Hop');
      json(response, result(idOf(got)), 200, { 'X-Kept': 'yes' });
    });
    const answer = await send(relay.url, {
      headers: {
        Connection: 'X-Mine, close',
        'X-Mine': '1',
        TE: 'trailers',
        'X-Kept': ['1', '2'],
        Via: '1.0 edge',
      },
      body: CALL,
    });
    expect(answer.headers).to.include({ 'x-kept': 'yes' }).and.not.to.have.property('x-hop');
    expect(answer.headers['set-cookie']).to.deep.equal(['a=1', 'b=2']);
    const [got] = server.got;
    expect(got!.headers).not.to.have.any.keys('x-mine', 'te', 'upgrade');
    expect(got!.headers).to.include({
      host: server.url.host,
      'x-kept': '1, 2',
      via: '1.0 edge, 1.1 otel-mcp-log',
    });
    expect(withoutTrace(got!.body.toString())).to.equal(CALL);
  });

  it('leaves HEAD, OPTIONS and addresses that are none of ours as they are', async () => {
    await start((got, response) => {
      response.setHeader('Access-Control-Allow-Origin', 'http://localhost:6274');
      response.writeHead(got.method === 'OPTIONS' ? 204 : 200, {
        'content-length': got.method === 'HEAD' ? '12' : '0',
      });
      response.end();
    });
    const options = await send(relay.url, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:6274' },
    });
    expect(options.status).to.equal(204);
    expect(options.headers).to.include({ 'access-control-allow-origin': 'http://localhost:6274' });
    const head = await send(relay.url, { method: 'HEAD', path: '/other?a=%2F&b' });
    expect(head.headers).to.include({ 'content-length': '12' });
    expect(server.got.map(({ method, url }) => [method, url])).to.deep.equal([
      ['OPTIONS', '/mcp'],
      ['HEAD', '/other?a=%2F&b'],
    ]);
    expect(relay.sink.records).to.deep.equal([]);
  });

  it('puts messages at other addresses on record as well, and no form', async () => {
    await start((got, response) =>
      json(response, got.url === '/token' ? '{"access_token":"t"}' : result(idOf(got))),
    );
    await send(relay.url, { path: '/elsewhere', body: CALL, headers: { 'content-type': 'text/plain' } });
    const form = 'grant_type=client_credentials&client_secret=s';
    await send(relay.url, {
      path: '/token',
      body: form,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(server.got[1]!.body.toString()).to.equal(form);
    expect(relay.sink.records.map(({ resource }) => resource)).to.deep.equal(['tools/pay']);
  });

  it('keeps compression, in either direction', async () => {
    await start((got, response) => {
      const told = result((JSON.parse(gunzipSync(got.body).toString()) as { id: number }).id, {
        big: 'x'.repeat(999),
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(told, { level: 1 }));
    });
    const answer = await send(relay.url, {
      body: gzipSync(CALL),
      headers: { 'content-encoding': 'gzip', 'accept-encoding': 'zstd, gzip;q=0.5' },
    });
    expect(answer.headers).to.include({ 'content-encoding': 'gzip' });
    expect(answer.body.equals(gzipSync(result(7, { big: 'x'.repeat(999) }), { level: 1 }))).to.equal(true);
    expect(server.got[0]!.headers).to.include({ 'accept-encoding': 'gzip;q=0.5' });
    expect(relay.sink.only('tools/call').mcp).to.deep.include({
      tool_arguments: { to: 'x' },
      answer: 'result',
    });
  });

  it('streams compressed events as they come', async () => {
    let next: () => void = () => undefined;
    await start((got, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const note = '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}';
      // Members of one gzip stream may follow each other (RFC 1952).
      response.write(gzipSync(`data: ${note}\n\n`));
      next = () => response.end(gzipSync(`data: ${result(idOf(got))}\n\n`));
    });
    const seen: Buffer[] = [];
    const sent = ask({
      hostname: '127.0.0.1',
      port: relay.url.port,
      path: '/mcp',
      method: 'POST',
      agent: false,
    });
    sent.end(CALL);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    response.on('data', (piece: Buffer) => seen.push(piece));
    await until(() => seen.length > 0);
    next();
    await once(response, 'end');
    expect(gunzipSync(Buffer.concat(seen)).toString().split('\n\n')).to.have.length(3);
  });

  it('asks for a body that its sender holds back', async () => {
    await start((got, response) => json(response, result(idOf(got))));
    const sent = ask({
      ...{ hostname: '127.0.0.1', port: relay.url.port, path: '/mcp', method: 'POST', agent: false },
      headers: { expect: '100-continue', 'content-type': 'application/json', 'content-length': CALL.length },
    });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end(CALL);
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).to.equal(200);
    expect(server.got[0]!.headers).not.to.have.property('expect');
  });

  it('answers several requests on one connection', async () => {
    await start((got, response) => json(response, result(idOf(got))));
    const socket = connect(Number(relay.url.port), '127.0.0.1');
    const one = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}`;
    let said = '';
    socket.on('data', (bytes: Buffer) => (said += bytes.toString()));
    socket.write(one + one);
    await until(() => said.split('"result"').length === 3);
    socket.destroy();
  });

  for (const [what, headers] of [
    ['a name of others', { host: 'evil.example' }],
    ['a name that only begins like ours', { host: 'localhost.evil.example:80' }],
    ["a page of another site's", { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
  ] as const)
    it(`refuses requests by ${what}`, async () => {
      await start((got, response) => json(response, result(idOf(got))));
      const answer = await send(relay.url, { body: CALL, headers });
      expect(answer.status).to.equal(403);
      expect(JSON.parse(answer.body.toString())).to.deep.include({ id: null });
      expect(server.got).to.deep.equal([]);
    });

  it('answers in the place of a server that is down, and has it on record', async () => {
    await start(() => undefined);
    await server.close();
    const answer = await send(relay.url, { body: CALL });
    expect(answer.status).to.equal(502);
    const { id, error } = JSON.parse(answer.body.toString()) as {
      id: number;
      error: { code: number; message: string; data: object };
    };
    expect([id, error.code]).to.deep.equal([7, -32012]);
    expect(error.data).to.deep.equal({ reason: 'unreachable' });
    expect(error.message).to.include('connection refused');
    expect((await send(relay.url, { method: 'GET' })).status).to.equal(502);
    expect(relay.sink.only('tools/call')).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
  });

  it('has refusals of HTTP on record by their kind', async () => {
    let status = 401;
    await start((_, response) => {
      response.setHeader('WWW-Authenticate', 'Bearer error="invalid_token", scope="files:read"');
      json(
        response,
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}',
        status,
      );
    });
    for (status of [401, 403, 404, 500]) await send(relay.url, { body: CALL });
    const records = relay.sink.of('tools/call');
    expect(records.map(({ outcome, mcp }) => [outcome, mcp!.http_status])).to.deep.equal([
      ['OUTCOME_FAILURE_UNAUTHORIZED', 401],
      ['OUTCOME_FAILURE_DENIED', 403],
      ['OUTCOME_FAILURE_ERROR', 404],
      ['OUTCOME_FAILURE_ERROR', 500],
    ]);
    expect(records[2]!.error!.message).to.include('Session not found');
  });

  it('sends nothing whose intent is not durable (blocking-strict)', async () => {
    const sink = new ScriptedSink('broken', [], 'permanent');
    await start((_, response) => void response.writeHead(202).end(), {
      sink,
      mode: 'blocking-strict',
      exportTimeoutMillis: 200,
    });
    const answer = await send(relay.url, { body: CALL });
    expect(answer.status).to.equal(200);
    const { error } = JSON.parse(answer.body.toString()) as { error: { code: number; data: object } };
    expect(error.code).to.equal(-32010);
    expect(error.data).to.include({ reason: 'audit_unavailable', code: 'MCP_LOG_ERR_UNAVAILABLE' });
    expect(server.got).to.deep.equal([]);
    const note = '{"jsonrpc":"2.0","method":"notifications/progress"}';
    const batch = await send(relay.url, { body: `[${CALL},${note}]` });
    expect(JSON.parse(batch.body.toString())).to.have.length(1);
    expect(server.got.map(({ body }) => body.toString())).to.deep.equal([`[${note}]`]);
  });

  it('takes bad input for what it is, and goes on', async () => {
    await start((got, response) => json(response, got.body.includes('half') ? '{"half' : result(7), 200));
    const bodies = ['{"half', Buffer.from([0xff, 0xfe, 0x00]), '', '[]'];
    for (const body of bodies) await send(relay.url, { body });
    expect(server.got.map(({ body }) => body.toString('latin1'))).to.deep.equal(
      bodies.map((body) => Buffer.from(body).toString('latin1')),
    );
    expect((await send(relay.url, { body: CALL })).body.toString()).to.equal(result(7));
    expect(relay.sink.of('unreadable').map(({ mcp }) => mcp!.requested_by)).to.deep.equal([
      undefined,
      'server',
      undefined,
    ]);
  });

  it('passes a message of any length on as it comes', async () => {
    const length = 20 * 1024 * 1024;
    await start((got, response) => json(response, result(idOf(got), { big: 'y'.repeat(length) })));
    const answer = await send(relay.url, {
      body: rpc(1, 'tools/call', { name: 'x', arguments: { big: 'x'.repeat(length) } }),
    });
    expect(answer.body).to.have.length(result(1, { big: '' }).length + length);
    expect(server.got[0]!.body.length).to.be.greaterThan(length);
    expect(relay.sink.of('unreadable')).to.have.length(2);
  });
});
