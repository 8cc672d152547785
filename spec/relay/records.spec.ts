import { expect } from 'chai';
import { Relaying } from './relaying.js';

const request = (id: unknown, method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const result = (id: unknown, value: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value });
const notification = (method: string, params: object): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params });

describe('the records of a relay', () => {
  let relay: Relaying;
  beforeEach(() => (relay = new Relaying()));
  afterEach(() => relay.close());

  it('are a login with both parties, a call, and a logout that counts the requests', async () => {
    await relay.open();
    await relay.fromClient(request(1, 'tools/call', { name: 'read', arguments: { path: 'a', token: 'x' } }));
    await relay.fromServer(result(1, { content: [] }));
    await relay.client.end();
    const [login, call, logout] = relay.sink.records;
    expect(login).to.include({ event_type: 'EVENT_LOGIN', client_id: 'assistant', server_id: 'files' });
    expect(login!.mcp).to.include({ transport: 'stdio', server_address: 'server --token [REDACTED]' });
    expect(call).to.include({ resource: 'tools/read', outcome: 'OUTCOME_SUCCESS', client_version: '1.2' });
    expect(call!.mcp).to.deep.include({
      tool_arguments: { path: 'a', token: '[REDACTED]' },
      answer: 'result',
    });
    expect(logout).to.include({ event_type: 'EVENT_LOGOUT', outcome: 'OUTCOME_SUCCESS' });
    expect(logout!.mcp?.requests).to.include({ sent: 2, recorded: 2 });
    expect(relay.sink.records).to.have.length(3);
  });

  it('carry the trace that the server was told', async () => {
    const { server } = await relay.fromClient(request(1, 'tools/list'));
    await relay.fromServer(result(1, { tools: [] }));
    const { traceparent } = (JSON.parse(server!) as { params: { _meta: { traceparent: string } } }).params
      ._meta;
    const { trace_id: trace, span_id: span } = relay.sink.only('tools/list');
    expect(traceparent).to.equal(`00-${trace}-${span}-00`);
  });

  it('go on with a trace that the client has begun, and leave its bytes alone', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const line = request(1, 'tools/list', { _meta: { traceparent } });
    expect((await relay.fromClient(line)).server).to.equal(line);
    await relay.fromServer(result(1, { tools: [] }));
    expect(relay.sink.only('tools/list').trace_id).to.equal('0af7651916cd43dd8448eb211c80319c');
  });

  it('tell a failing tool, an error and a withdrawal apart', async () => {
    for (const id of ['tool', 'error', 'taken back'])
      await relay.fromClient(request(id, 'tools/call', { name: id }));
    await relay.fromServer(result('tool', { isError: true, content: [] }));
    const error = { code: -32602, message: 'no such tool' };
    await relay.fromServer(JSON.stringify({ jsonrpc: '2.0', id: 'error', error }));
    await relay.fromClient(
      notification('notifications/cancelled', { requestId: 'taken back', reason: 'bored' }),
    );
    await relay.client.end();
    expect(
      relay.sink.of('tools/call').map((record) => [record.mcp!.tool_name, record.error?.type]),
    ).to.deep.equal([
      ['tool', 'tool_error'],
      ['error', '-32602'],
      ['taken back', 'cancelled'],
    ]);
  });

  it('keep the requests "3" and 3 apart', async () => {
    await relay.fromClient(request(3, 'tools/call', { name: 'number' }));
    await relay.fromClient(request('3', 'tools/call', { name: 'text' }));
    await relay.fromServer(result('3', { isError: true }));
    await relay.fromServer(result(3));
    expect(
      relay.sink.of('tools/call').map((record) => [record.mcp!.tool_name, record.outcome]),
    ).to.deep.equal([
      ['text', 'OUTCOME_FAILURE_ERROR'],
      ['number', 'OUTCOME_SUCCESS'],
    ]);
  });

  it('end what has no answer when the connection does, before the session itself', async () => {
    await relay.open();
    await relay.fromClient(request(1, 'tools/call', { name: 'slow' }));
    await relay.client.end('the server process ended');
    const [, call, lost] = relay.sink.records;
    expect(call!.error?.type).to.equal('connection_closed');
    expect(lost!.error).to.deep.include({ type: 'connection_closed', message: 'the server process ended' });
    expect(lost!.mcp?.requests).to.include({ sent: 2, recorded: 2 });
  });

  it('have each request of a batch', async () => {
    const batch = `[${request(1, 'tools/call', { name: 'a' })}, ${request(2, 'tools/call', { name: 'b' })}]`;
    await relay.fromClient(batch);
    await relay.fromServer(`[${result(2)},${result(1)}]`);
    expect(relay.sink.of('tools/call').map(({ mcp }) => mcp!.tool_name)).to.have.members(['a', 'b']);
  });

  it('have what the server asks, and what was decided', async () => {
    await relay.open();
    const question = request('q', 'elicitation/create', { message: 'May I?', requestedSchema: {} });
    expect(await relay.fromServer(question)).to.equal(question);
    await relay.fromClient(result('q', { action: 'decline' }));
    expect(relay.sink.only('elicitation/create')).to.include({ outcome: 'OUTCOME_FAILURE_DENIED' });
    expect(relay.sink.only('elicitation/create').mcp).to.include({
      requested_by: 'server',
      decision: 'decline',
    });
  });

  it('name the folders that the client works in, where the server asks for them', async () => {
    await relay.open();
    await relay.fromServer(request(9, 'roots/list'));
    const roots = [{ uri: 'file:///home/me/project', name: 'project' }];
    await relay.fromClient(result(9, { roots }));
    expect(relay.sink.only('roots/list').mcp).to.deep.include({ decision: 'accept', roots });
  });

  it('have a question that the server takes back', async () => {
    await relay.open();
    await relay.fromServer(request(9, 'roots/list'));
    await relay.fromServer(notification('notifications/cancelled', { requestId: 9 }));
    expect(relay.sink.only('roots/list').error?.type).to.equal('cancelled');
  });

  it('begin the session of a client that goes on without a handshake', async () => {
    await relay.fromClient(request(1, 'tools/list'));
    await relay.fromServer(result(1, { tools: [] }));
    await relay.client.end();
    expect(relay.sink.only('close').mcp?.requests).to.include({ sent: 1, recorded: 1 });
  });

  it('name both parties where there is no handshake (revision 2026-07-28)', async () => {
    const named = (name: string) => `io.modelcontextprotocol/${name}`;
    const _meta = {
      [named('clientInfo')]: { name: 'agent', version: '4' },
      [named('protocolVersion')]: '2026-07-28',
    };
    await relay.fromClient(request(1, 'server/discover', { _meta }));
    const serverInfo = { [named('serverInfo')]: { name: 'modern', version: '9' } };
    await relay.fromServer(result(1, { _meta: serverInfo, capabilities: {} }));
    await relay.client.end();
    const parties = { client_id: 'agent', client_version: '4', server_id: 'modern', server_version: '9' };
    expect(relay.sink.records).to.have.length(2);
    for (const record of relay.sink.records) {
      expect(record).to.include(parties);
      expect(record.mcp).to.include({ protocol_version: '2026-07-28' });
    }
  });

  it('have unknown methods, as the library has them', async () => {
    await relay.fromClient(request(1, 'acme/frobnicate', { uri: 'x:y' }));
    await relay.fromServer(result(1));
    expect(relay.sink.only('acme/frobnicate')).to.include({ resource: 'acme/frobnicate' });
  });

  it('say of what cannot be read that it passed, and how long it was', async () => {
    const line = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":NaN}}\n';
    expect((await relay.fromClient(line)).server).to.equal(line);
    expect(await relay.fromServer('{"half')).to.equal('{"half');
    const records = relay.sink.of('unreadable');
    expect(records.map(({ mcp }) => mcp!.requested_by)).to.deep.equal([undefined, 'server']);
    expect(records[0]!.mcp!.tool_arguments).to.deep.equal({ bytes: line.length, reason: 'no JSON in UTF-8' });
    expect(records[0]!.message).to.equal('Passed on a message that could not be read.');
  });
});
