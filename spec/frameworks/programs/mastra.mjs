import { MCPClient } from '@mastra/mcp';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = new MCPClient({ servers: { everything: { command, args, stderr: 'ignore' } } });
const tools = await client.listTools();
print('tools', Object.keys(tools));
await show('echo', () => tools['everything_echo'].execute(ECHO, {}));
await show('get-resource-reference', () => tools['everything_get-resource-reference'].execute(REFUSED, {}));
await client.disconnect();
