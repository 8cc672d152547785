import { mcpToTool } from '@google/genai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = new Client({ name: 'google-genai', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command, args, stderr: 'ignore' }));
const callable = mcpToTool(client);
const { functionDeclarations } = await callable.tool();
print(
  'tools',
  functionDeclarations.map(({ name }) => name),
);
await show('echo', () => callable.callTool([{ name: 'echo', args: ECHO }]));
await show('get-resource-reference', () =>
  callable.callTool([{ name: 'get-resource-reference', args: REFUSED }]),
);
await client.close();
