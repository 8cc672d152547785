import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import { withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { EVERYTHING } from '../support/servers.js';

describe('the command that a client dialled', () => {
  it('stands on record with its arguments, and its secrets hidden', async () => {
    const sink = new MemorySink();
    const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
      sink,
      environment: 'test',
    });
    const args = [EVERYTHING, 'stdio', '--api-key', 'canary'];
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
    await client.close();
    const address = sink.only('initialize').mcp?.server_address;
    expect(address)
      .to.match(/ stdio --api-key \S+$/)
      .and.to.include(EVERYTHING);
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });
});
