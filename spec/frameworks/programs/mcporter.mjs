import { createRuntime } from 'mcporter';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

const everything = { name: 'everything', command: { kind: 'stdio', command, args, cwd: process.cwd() } };
const runtime = await createRuntime({ servers: [everything] });
const tools = await runtime.listTools('everything');
print(
  'tools',
  tools.map(({ name }) => name),
);
await show('echo', () => runtime.callTool('everything', 'echo', { args: ECHO }));
await show('get-resource-reference', () =>
  runtime.callTool('everything', 'get-resource-reference', { args: REFUSED }),
);
await runtime.close();
