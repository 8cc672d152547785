// Asks the check of sessions that verify makes: records in memory are no log that verify could be given.
import { expect } from 'chai';
import { encodeLine } from '../../lib/codecs/json.js';
import { SessionCheck } from '../../lib/integrity/verification/sessions.js';
import { until } from '../support/builtCli.js';
import { startHttpServer, type HttpServer } from '../support/httpServer.js';
import { startGateway } from './overHttp.js';
import { json, result, rpc, startRaw, type Got } from './rawHttpServer.js';

type Gateway = ReturnType<typeof startGateway>;

const HANDSHAKE = rpc(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'desk', version: '3' },
});
const READY = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const AGREED = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'far', version: '9' } };
const call = (id: number): string => rpc(id, 'tools/call', { name: 'add', arguments: { id } });

interface Said {
  readonly id?: number;
  readonly result?: { readonly content: readonly { readonly text: string }[] };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: object };
}

function say(relay: Gateway, ...messages: string[]): void {
  relay.say(messages.map((message) => `${message}\n`).join(''));
}

function heard(relay: Gateway, id: number): Said | undefined {
  return relay
    .heard()
    .map((line) => JSON.parse(line) as Said)
    .find((said) => said.id === id);
}

describe('a session that the server loses, behind a relay on standard streams', () => {
  describe("with the SDK's server", () => {
    let server: HttpServer;
    let relay: Gateway;
    let calls: string[];
    beforeEach(async () => {
      calls = [];
      const tools = [{ name: 'add', inputSchema: { type: 'object' } }];
      server = await startHttpServer(tools, (args, { id }) => {
        calls.push(`${String(args['id'])} in ${server.sessions.indexOf(id)}`);
        return id;
      });
      relay = startGateway(server.url);
      say(relay, HANDSHAKE, READY, call(1));
      await until(() => heard(relay, 1) !== undefined);
    });
    afterEach(async () => {
      relay.abort();
      await relay.end();
      await server.close();
    });

    it('is opened anew, and the request is made once, in the new one', async () => {
      await server.forget();
      say(relay, call(2));
      await until(() => heard(relay, 2) !== undefined);
      expect(heard(relay, 2)!.result!.content[0]!.text).to.equal(server.sessions[1]);
      await relay.end();
      expect(calls).to.deep.equal(['1 in 0', '2 in 1']);
      expect(relay.heard()).to.have.length(3);
      const { records } = relay.sink;
      expect(records.map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
        ['session/initialize', 'OUTCOME_SUCCESS'],
        ['tools/add', 'OUTCOME_SUCCESS'],
        ['session/close', 'OUTCOME_FAILURE_ERROR'],
        ['session/initialize', 'OUTCOME_SUCCESS'],
        ['tools/add', 'OUTCOME_SUCCESS'],
        ['session/close', 'OUTCOME_SUCCESS'],
      ]);
      expect(records[2]!.error).to.include({ message: 'the server no longer knows the session' });
      const ids = records.map(({ mcp }) => mcp!.session_id);
      expect(new Set(ids.slice(0, 3)).size).to.equal(1);
      expect(new Set(ids.slice(3)).size).to.equal(1);
      expect(ids[3]).not.to.equal(ids[0]);
      // The request that went out in both is on file once, and neither session lacks it.
      const sessions = new SessionCheck();
      for (const line of records.map((record) => Buffer.from(encodeLine(record))))
        sessions.see(line, 0, line.length);
      expect(sessions.finish()).to.include({ complete: 2, different: 0 });
    });

    it('is opened anew once for requests that are under way together, and as often as it is lost', async () => {
      for (const first of [10, 20]) {
        await server.forget();
        const ids = [first, first + 1, first + 2];
        say(relay, ...ids.map(call));
        await until(() => ids.every((id) => heard(relay, id) !== undefined));
        for (const id of ids)
          expect(heard(relay, id)!.result!.content[0]!.text).to.equal(server.sessions.at(-1));
      }
      await relay.end();
      expect(server.sessions).to.have.length(3);
      expect(relay.sink.of('initialize')).to.have.length(3);
      expect(calls).to.have.length(7);
    });
  });

  describe('with a server that refuses a new one', () => {
    let server: Awaited<ReturnType<typeof startRaw>>;
    let relay: Gateway;
    let isLost: boolean;
    let refuse: (got: Got, respond: (text: string, status?: number) => void) => void;
    beforeEach(async () => {
      isLost = false;
      server = await startRaw((got, response) => {
        const { id, method } = JSON.parse(got.body.toString() || '{}') as { id?: number; method?: string };
        const respond = (text: string, status = 200): void =>
          json(response, text, status, method === 'initialize' ? { 'Mcp-Session-Id': 'abc' } : {});
        if (got.method === 'GET') response.writeHead(405).end();
        else if (isLost && method === 'initialize') refuse(got, respond);
        else if (isLost) respond('{"jsonrpc":"2.0","error":{"code":-32001,"message":"gone"},"id":null}', 404);
        else if (method === 'initialize') respond(result(id, AGREED));
        else if (id === undefined) response.writeHead(202).end();
        else respond(result(id));
      });
      relay = startGateway(server.url);
      say(relay, HANDSHAKE, READY, call(1));
      await until(() => heard(relay, 1) !== undefined);
      isLost = true;
      server.got.length = 0;
    });
    afterEach(async () => {
      relay.abort();
      await relay.end();
      await server.close();
    });
    const errorOf = async (id: number) => {
      say(relay, call(id));
      await until(() => heard(relay, id) !== undefined);
      return heard(relay, id)!.error!;
    };

    it('tells the client by a stable code, and tries anew with the next request', async () => {
      refuse = (_, respond) => respond('{"error":"unauthorized","error_description":"expired"}', 401);
      const { code, message, data } = await errorOf(2);
      expect([code, data]).to.deep.equal([-32012, { reason: 'session_lost', status: 401 }]);
      expect(message)
        .to.include('no longer knows the session')
        .and.include('expired')
        .and.include('--header');
      refuse = (_, respond) =>
        respond('{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"full house"}}');
      const second = await errorOf(3);
      expect([second.code, second.data]).to.deep.equal([-32012, { reason: 'session_lost' }]);
      expect(second.message).to.include('full house');
      refuse = (_, respond) => {
        isLost = false;
        respond(result(0, AGREED));
      };
      say(relay, call(4));
      await until(() => heard(relay, 4) !== undefined);
      expect(heard(relay, 4)!.result).to.deep.equal({});
      await relay.end();
      const logins = relay.sink.of('initialize');
      expect(logins.map(({ outcome }) => outcome)).to.deep.equal([
        'OUTCOME_SUCCESS',
        'OUTCOME_FAILURE_UNAUTHORIZED',
        'OUTCOME_FAILURE_ERROR',
        'OUTCOME_SUCCESS',
      ]);
      const ends = relay.sink.records.filter(({ resource }) => resource === 'session/close');
      expect(ends.map(({ outcome }) => outcome)).to.deep.equal(['OUTCOME_FAILURE_ERROR', 'OUTCOME_SUCCESS']);
      // A new handshake names neither the old session nor the revision that was agreed on in it.
      for (const { headers, body } of server.got)
        if (body.includes('"initialize"'))
          expect(headers).to.not.have.any.keys('mcp-session-id', 'mcp-protocol-version');
    });
  });

  it('is opened anew where its stream is lost, before the client says a word', async () => {
    const note = (text: string) =>
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params: { text } });
    let [logins, streams] = [0, 0];
    const server = await startRaw((got, response) => {
      const { id, method } = JSON.parse(got.body.toString() || '{}') as { id?: number; method?: string };
      if (method === 'initialize')
        json(response, result(id, AGREED), 200, { 'Mcp-Session-Id': `s${++logins}` });
      else if (got.method !== 'GET') response.writeHead(got.method === 'POST' ? 202 : 204).end();
      else if (++streams === 2) response.writeHead(404).end();
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const event = `retry: 1\ndata: ${note(String(got.headers['mcp-session-id']))}\n\n`;
        if (streams === 1) response.end(event);
        else response.write(event);
      }
    });
    const relay = startGateway(server.url);
    say(relay, HANDSHAKE, READY);
    await until(() => relay.heard().length === 3);
    expect(relay.heard()).to.deep.equal([result(0, AGREED), note('s1'), note('s2')]);
    await relay.end();
    expect(server.got.at(-1)).to.deep.include({ method: 'DELETE' });
    expect(server.got.at(-1)!.headers).to.include({ 'mcp-session-id': 's2' });
    await server.close();
  });
});
