// The same in CommonJS.
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');

async function main() {
  const server = require.resolve('@modelcontextprotocol/server-everything/dist/index.js');
  const client = new Client({ name: 'agent', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [server, 'stdio'], stderr: 'ignore' }),
  );
  await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.close();
}

main();
