import { MCPClient } from 'mcp-use/client';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = new MCPClient({ mcpServers: { everything: { command, args } } });
const session = await client.createSession('everything');
const tools = await session.listTools();
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => session.callTool('echo', ECHO));
await show('get-resource-reference', () => session.callTool('get-resource-reference', REFUSED));
await client.closeAllSessions();
