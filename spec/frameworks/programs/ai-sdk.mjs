import { createMCPClient } from '@ai-sdk/mcp';
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = await createMCPClient({
  transport: new StdioMCPTransport({ command, args, stderr: 'ignore' }),
});
const tools = await client.tools();
print('tools', Object.keys(tools));
const call = { toolCallId: 'call', messages: [] };
await show('echo', () => tools['echo'].execute(ECHO, call));
await show('get-resource-reference', () => tools['get-resource-reference'].execute(REFUSED, call));
await client.close();
