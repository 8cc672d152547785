import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = new MultiServerMCPClient({
  everything: { transport: 'stdio', command, args, stderr: 'ignore' },
});
const tools = await client.getTools();
const tool = (name) => tools.find((each) => each.name === name);
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => tool('echo').invoke(ECHO));
await show('get-resource-reference', () => tool('get-resource-reference').invoke(REFUSED));
await client.close();
