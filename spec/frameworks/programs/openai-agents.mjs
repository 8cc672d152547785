import { MCPServerStdio } from '@openai/agents';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const server = new MCPServerStdio({ name: 'everything', command, args });
await server.connect();
const tools = await server.listTools();
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => server.callTool('echo', ECHO));
await show('get-resource-reference', () => server.callTool('get-resource-reference', REFUSED));
await server.close();
