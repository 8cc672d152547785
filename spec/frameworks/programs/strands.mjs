import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { McpClient } from '@strands-agents/sdk';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const client = new McpClient({ transport: new StdioClientTransport({ command, args, stderr: 'ignore' }) });
// It lists the tools once more when the server announces them, at a time of its own.
const announced = new Promise((resolve) => {
  client.onToolsChanged = resolve;
});
await client.connect();
const tools = await client.listTools();
const tool = (name) => tools.find((each) => each.name === name);
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => client.callTool(tool('echo'), ECHO));
await show('get-resource-reference', () => client.callTool(tool('get-resource-reference'), REFUSED));
await announced;
await client.disconnect();
