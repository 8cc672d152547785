import { expect } from 'chai';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';

const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const QUESTION = { message: 'Well?', requestedSchema: { type: 'object' as const, properties: {} } };

describe('what a server asks of its client, SDK v1', () => {
  it('is one record each: elicitation, sampling, roots', async () => {
    const { client, server, connect } = fullPairV1({ capabilities });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'canary' },
    }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
    const sink = audited(client);
    await connect();
    await server.elicitInput(QUESTION);
    await server.createMessage({ messages: [], maxTokens: 3 });
    await server.listRoots();
    await settled();
    const seen = sink.records.slice(1).map((r) => [r.resource, r.outcome, r.mcp?.decision]);
    expect(seen).to.deep.equal([
      ['elicitation/create', 'OUTCOME_FAILURE_DENIED', 'decline'],
      ['sampling/createMessage', 'OUTCOME_SUCCESS', 'accept'],
      ['roots/list', 'OUTCOME_SUCCESS', 'accept'],
    ]);
    expect(sink.only('sampling/createMessage').mcp?.request_id).to.equal('1');
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  it('is ended by the taking back that the SDK heeds, and by nothing else', async () => {
    const { client, server, connect } = fullPairV1({ capabilities });
    let answer: (result: { action: 'accept'; content: object }) => void = () => undefined;
    client.setRequestHandler(
      ElicitRequestSchema,
      () => new Promise((resolve) => (answer = resolve as never)),
    );
    const sink = audited(client);
    await connect();
    const ask = async () => {
      const withdraw = new AbortController();
      const asking = rejection(server.elicitInput(QUESTION, { signal: withdraw.signal }));
      await settled();
      withdraw.abort();
      await asking;
      await settled();
    };
    // v1 takes the id 0 for none: that question is answered although the server took it back.
    await ask();
    expect(sink.of('elicitation/create')).to.have.length(0);
    answer({ action: 'accept', content: {} });
    await settled();
    await ask();
    answer({ action: 'accept', content: {} });
    await settled();
    const ended = ({ outcome, error }: AuditRecord) => [outcome, error?.type];
    expect(sink.of('elicitation/create').map(ended)).to.deep.equal([
      ['OUTCOME_SUCCESS', undefined],
      ['OUTCOME_FAILURE_ERROR', 'cancelled'],
    ]);
  });

  it('keeps apart two questions with one id', async () => {
    const { client, transport, connect } = fullPairV1({ capabilities });
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
    const sink = audited(client);
    await connect();
    transport.onmessage?.({ jsonrpc: '2.0', id: 7, method: 'roots/list' });
    transport.onmessage?.({ jsonrpc: '2.0', id: 7, method: 'roots/list' });
    transport.onmessage?.({ jsonrpc: '2.0', id: '7', method: 'roots/list' });
    await settled();
    expect(sink.of('roots/list').map(({ outcome }) => outcome)).to.deep.equal([
      'OUTCOME_SUCCESS',
      'OUTCOME_SUCCESS',
      'OUTCOME_SUCCESS',
    ]);
  });

  it('joins the trace of the one call under way, or of the one it names, and no other', async () => {
    const { client, transport, connect } = fullPairV1({ capabilities });
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
    const sink = audited(client);
    await connect();
    const ask = async (id: string, traceparent?: string) => {
      const params = traceparent === undefined ? {} : { params: { _meta: { traceparent } } };
      transport.onmessage?.({ jsonrpc: '2.0', id, method: 'roots/list', ...params });
      await settled();
    };
    const calls = [new AbortController(), new AbortController()];
    const hang = (n: number) =>
      rejection(client.callTool({ name: 'hang' }, undefined, { signal: calls[n]!.signal }));
    const first = hang(0);
    await ask('one under way');
    const second = hang(1);
    await ask('two under way');
    await ask('forged', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
    calls.forEach((call) => call.abort());
    await Promise.all([first, second]);
    const [one, two, forged] = sink.of('roots/list');
    const [call] = sink.of('tools/call');
    expect(one).to.include({ trace_id: call?.trace_id, parent_span_id: call?.span_id });
    expect(two).not.to.have.property('parent_span_id');
    expect(forged?.trace_id).not.to.equal('a'.repeat(32));
    expect(forged).not.to.have.property('parent_span_id');
  });
});
