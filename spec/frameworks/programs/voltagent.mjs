import { MCPConfiguration } from '@voltagent/core';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const configuration = new MCPConfiguration({ servers: { everything: { type: 'stdio', command, args } } });
const tools = await configuration.getTools();
const tool = (name) => tools.find((each) => each.name === `everything_${name}`);
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => tool('echo').execute(ECHO));
await show('get-resource-reference', () => tool('get-resource-reference').execute(REFUSED));
await configuration.disconnect();
