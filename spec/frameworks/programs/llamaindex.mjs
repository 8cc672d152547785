import { mcp } from '@llamaindex/tools';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const server = mcp({ command, args, stderr: 'ignore' });
const tools = await server.tools();
const tool = (name) => tools.find(({ metadata }) => metadata.name === name);
print(
  'tools',
  tools.map(({ metadata }) => metadata.name),
);
await show('echo', () => tool('echo').call(ECHO));
await show('get-resource-reference', () => tool('get-resource-reference').call(REFUSED));
await server.cleanup();
