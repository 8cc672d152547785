import { expect } from 'chai';
import type { DeliveryMode } from '../../lib/pipeline/options.js';
import { ScriptedSink } from '../support/scriptedSink.js';
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
