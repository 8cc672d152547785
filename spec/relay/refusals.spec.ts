import { expect } from 'chai';
import type { DeliveryMode } from '../../lib/pipeline/options.js';
import { ScriptedSink } from '../support/scriptedSink.js';
import { httpClient, startHttpServer, type HttpServer } from '../support/httpServer.js';
import { startProxy } from './overHttp.js';
import { rpc, send } from './rawHttpServer.js';
import { Relaying } from './relaying.js';

/** A relay whose sink takes nothing. */
function broken(mode: DeliveryMode): Relaying {
  return new Relaying({ sink: new ScriptedSink('broken', [], 'permanent'), mode, exportTimeoutMillis: 200 });
}

const CALL = '{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"pay"}}\n';
const ANSWER = '{"jsonrpc":"2.0", "id":12345678901234567890, "result":{"paid":1e400}}\n';

interface Refusal {
  readonly error: { readonly code: number; readonly message: string; readonly data: Record<string, unknown> };
}

describe('a relay that cannot write its records', () => {
  let relay: Relaying;
  afterEach(() => relay.close().catch(() => undefined));

  it('sends nothing whose intent is not durable (blocking-strict), and says so by a stable code', async () => {
    relay = broken('blocking-strict');
    const { server, client } = await relay.fromClient(CALL);
    expect(server).to.equal(undefined);
    expect(client).to.include('"id":12345678901234567890,');
    const { error } = JSON.parse(client!) as Refusal;
    expect(error.code).to.equal(-32010);
    expect(error.data).to.include({ reason: 'audit_unavailable', code: 'MCP_LOG_ERR_UNAVAILABLE' });
  });

  it('takes what is refused out of a batch, and sends the rest', async () => {
    relay = broken('blocking-strict');
    const note = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"n":1e400}}';
    const { server, client } = await relay.fromClient(`[ ${CALL.trim()} , ${note} ]\n`);
    expect(server).to.equal(`[${note}]\n`);
    expect(JSON.parse(client!)).to.have.length(1);
  });

  it('passes nothing that it cannot read (blocking-strict)', async () => {
    relay = broken('blocking-strict');
    const { server, client } = await relay.fromClient('{"id":1,"method":NaN}\n');
    expect(server).to.equal(undefined);
    expect(JSON.parse(client!)).to.deep.include({ id: null });
    expect(await relay.fromServer('nonsense\n')).to.equal(undefined);
  });

  it('passes no question of the server on, and tells the server', async () => {
    relay = broken('blocking-strict');
    const question = '{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}\n';
    expect(await relay.fromServer(question)).to.equal(undefined);
    expect(relay.toldServer).to.have.length(1);
    expect(relay.toldServer[0]).to.deep.include({ id: 'q' });
  });

  it('gives the answer to a request whose record was lost inside of an error, as it came', async () => {
    relay = broken('blocking');
    expect((await relay.fromClient(CALL)).server).to.include('"name":"pay"');
    const line = await relay.fromServer(ANSWER);
    expect(line!.endsWith('\n')).to.equal(true);
    expect(line).to.include(`"answer":${ANSWER.trim()}`).and.to.include('"id":12345678901234567890,"error"');
    const { error } = JSON.parse(line!) as Refusal;
    expect(error.code).to.equal(-32011);
    expect(error.data).to.include({ reason: 'record_lost' });
  });

  it('passes answers on in mode batch, which waits for no record', async () => {
    relay = broken('batch');
    await relay.fromClient(CALL);
    expect(await relay.fromServer(ANSWER)).to.equal(ANSWER);
  });

  it('refuses requests whose actor is not known, where one is required', async () => {
    relay = new Relaying({ requireActor: true, actorId: () => undefined });
    const { server, client } = await relay.fromClient(CALL);
    expect(server).to.equal(undefined);
    expect((JSON.parse(client!) as Refusal).error.data).to.include({ reason: 'actor_required' });
    expect(relay.sink.only('tools/call').outcome).to.equal('OUTCOME_FAILURE_DENIED');
  });

  it('passes error answers on as they are, for they are no loss', async () => {
    relay = new Relaying();
    await relay.fromClient(CALL);
    const answer = '{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-32602,"message":"no"}}\n';
    expect(await relay.fromServer(answer)).to.equal(answer);
  });
});

describe('a relay over HTTP that cannot write its records', () => {
  const TOOLS = [{ name: 'pay', inputSchema: { type: 'object' } }];
  let server: HttpServer;
  let relay: Awaited<ReturnType<typeof startProxy>>;
  let sink: ScriptedSink;
  let paid: number;
  beforeEach(() => {
    paid = 0;
    sink = new ScriptedSink('breaks');
  });
  afterEach(async () => {
    await relay.close();
    await server.close();
  });
  const start = async (mode: DeliveryMode) => {
    server = await startHttpServer(TOOLS, () => `paid ${++paid}`);
    relay = await startProxy(server.url, { sink, mode, exportTimeoutMillis: 200 });
  };
  const call = { name: 'pay', arguments: {} };

  for (const sdk of ['v1', 'v2'] as const) {
    it(`refuses with the code that it has on standard streams: a call, ${sdk}`, async () => {
      await start('blocking-strict');
      const { client, connect } = httpClient(sdk, relay.url);
      await connect();
      await client.callTool(call);
      sink.then = 'permanent';
      const error = await client.callTool(call).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.deep.include({
        code: -32010,
        data: { reason: 'audit_unavailable', code: 'MCP_LOG_ERR_UNAVAILABLE' },
      });
      expect(paid).to.equal(1);
      await client.close();
    });

    it(`refuses with that code a login: ${sdk}`, async () => {
      await start('blocking-strict');
      sink.then = 'permanent';
      const { connect } = httpClient(sdk, relay.url);
      const error = await connect().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.deep.include({ code: -32010 });
      expect(server.sessions).to.deep.equal([]);
    });

    it(`gives the answer of a call whose record is lost in an error with the code of that: ${sdk}`, async () => {
      await start('blocking');
      const { client, connect } = httpClient(sdk, relay.url);
      await connect();
      sink.then = 'permanent';
      const error = await client.callTool(call).then(
        () => undefined,
        (reason: unknown) => reason as { code: number; data: { answer: object } },
      );
      expect(error).to.include({ code: -32011 });
      expect(error!.data.answer).to.have.nested.property('result.content[0].text', 'paid 1');
      await client.close();
    });
  }

  it('refuses what is too long to be read with an answer of JSON-RPC, and does not send it', async () => {
    await start('blocking-strict');
    sink.then = 'permanent';
    const body = rpc(1, 'tools/call', { text: 'x'.repeat(17_000_000) });
    const { status, body: said } = await send(relay.url, { body });
    expect([status, (JSON.parse(said.toString()) as Refusal).error.code]).to.deep.equal([200, -32010]);
    expect(server.sessions).to.deep.equal([]);
  });

  it('takes notifications, which have no answer and no record', async () => {
    await start('blocking-strict');
    const { client, connect } = httpClient('v1', relay.url);
    await connect();
    sink.then = 'permanent';
    await client.notification({ method: 'notifications/initialized' });
    await client.close();
  });
});
