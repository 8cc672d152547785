// A program as a user would write it, which ends as it is told, with or without an audit log. Prints what it sees.
import { inspect } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { withLogging } from '../../../lib/withLogging.js';

const [ending, isAudited] = process.argv.slice(2);

const say = (what: unknown): void => void process.stdout.write(`${inspect(what, { depth: 4 })}\n`);

const server = new McpServer({ name: 'world', version: '1.0.0' });
server.registerTool('echo', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
server.registerTool('hangs', {}, () => new Promise(() => undefined));
const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
await server.connect(serverSide);

const bare = new Client({ name: 'agent', version: '1.0.0' });
const sink = { name: 'nowhere', emit: () => undefined };
const client = isAudited === 'true' ? withLogging(bare, { sink, environment: 'test' }) : bare;
process.on('exit', (code) => say(`exit ${code}`));
await client.connect(clientSide);
say(await client.callTool({ name: 'echo' }));

const endings: Record<string, () => unknown> = {
  'by itself': () => client.close(),
  'without a close': () => undefined,
  'with a call under way': () =>
    void client.callTool({ name: 'hangs' }, undefined, { timeout: 50 }).catch(say),
  'by process.exit': () => {
    void client.callTool({ name: 'hangs' });
    process.exit(3);
  },
  'by an error that nobody handles': () =>
    void client.callTool({ name: 'hangs' }, undefined, { timeout: 20 }),
  'by an error of its own': () => {
    throw new Error('the program broke');
  },
  'by a signal': () => process.kill(process.pid, 'SIGTERM'),
};
await endings[ending!]!();
