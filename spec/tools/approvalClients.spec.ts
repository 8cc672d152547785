import { createMCPClient, ElicitationRequestSchema } from '@ai-sdk/mcp';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { expect } from 'chai';
import { RefusedError } from '../../lib/errors.js';
import type { ApprovalOptions } from '../../lib/tools/approval.js';
import { audited, rejection } from '../support/audited.js';
import { ToolServer } from '../support/toolServer.js';

interface Caller {
  callTool(call: object): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Clients that are not version 1 of the SDK's, connected to a real server. */
const CLIENTS: Readonly<Record<string, (transport: object) => Promise<Caller>>> = {
  'version 2 of the SDK': async (transport) => {
    const client = new Client({ name: 'agent', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { approve: true } }));
    await client.connect(transport as never);
    return client;
  },
  'the AI SDK': async (transport) => {
    const client = await createMCPClient({ transport, capabilities: { elicitation: {} } } as never);
    client.onElicitationRequest(ElicitationRequestSchema, () => ({
      action: 'accept',
      content: { approve: true },
    }));
    return client as unknown as Caller;
  },
};

for (const [name, connect] of Object.entries(CLIENTS))
  describe(`approvals with ${name}`, () => {
    const shop = async (approvals: ApprovalOptions) => {
      const server = new ToolServer(['pay', 'Pays a bill']);
      const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
      await server.serve('shop').connect(serverSide as never);
      const client = await connect(clientSide);
      const sink = audited(client as never, { approvals, actorId: 'agent' });
      // The two take the arguments by different names.
      const pay = () => client.callTool({ name: 'pay', arguments: { amount: 5 }, args: { amount: 5 } });
      return { client, sink, server, pay };
    };

    it('keep a call in that nobody has approved', async () => {
      const { client, sink, server, pay } = await shop({ ask: () => ({ approved: false, by: 'ada' }) });
      expect(await rejection(pay())).to.be.instanceOf(RefusedError);
      expect(server.called).to.deep.equal([]);
      expect(sink.only('tools/call').outcome).to.equal('OUTCOME_FAILURE_DENIED');
      await client.close();
    });

    it('let out one that its user has approved', async () => {
      const { client, sink, server, pay } = await shop({ ask: 'elicitation', user: 'ada' });
      await pay();
      expect(server.called).to.deep.equal(['pay']);
      expect(sink.only('audit/approval')).to.include({ actor_id: 'ada', outcome: 'OUTCOME_SUCCESS' });
      expect(sink.only('tools/call').mcp!.approval_id).to.equal(sink.only('audit/approval').mcp!.approval_id);
      await client.close();
    });
  });
