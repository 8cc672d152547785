import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { expect } from 'chai';
import { withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { ToolServer } from '../support/toolServer.js';

describe('tool fingerprints with v2 of the SDK', () => {
  it('are taken of all pages that one listTools walks, and of a change on a late one', async () => {
    const server = new ToolServer(['pay', 'Pays a bill'], ['look', 'Looks something up']);
    server.pageSize = 1;
    const sink = new MemorySink();
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
      sink,
      environment: 'test',
    });
    await server.serve('shop').connect(serverSide as never);
    await client.connect(clientSide);
    const { tools } = await client.listTools();
    expect(tools).to.have.length(2);
    server.describe('look', 'Looks everything up');
    await client.listTools();
    await client.callTool({ name: 'look', arguments: {} });
    await client.close();

    const changes = sink.records.filter(({ resource }) => resource === 'audit/tool-changed');
    expect(changes).to.have.length(1);
    const data = changes[0]?.data as Record<string, unknown>;
    expect(data).to.deep.include({ tool: 'look', changed_fields: ['description'] });
    expect(sink.only('tools/call').mcp?.tool_fingerprint).to.equal(data['new_fingerprint']);
  });
});
