const { readFileSync } = require('node:fs');

/** What the set-up of the tool beside us has left for the application. */
const beside = () => globalThis.beside;
const wire = [];

exports.run = async ({ Client, InMemoryTransport, McpServer }) => {
  const server = new McpServer({ name: 'server', version: '1' });
  server.registerTool('echo', {}, async () => ({ content: [] }));
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  const receive = serverSide.onmessage;
  serverSide.onmessage = (message, extra) => {
    if (message.method === 'tools/call') wire.push(message.params._meta ?? {});
    receive(message, extra);
  };
  const client = new Client({ name: 'client', version: '1' });
  await client.connect(clientSide);
  await beside().inSpan(() => client.callTool({ name: 'echo' }));
  await client.close();
};

exports.report = async () => {
  const { spans, userTrace } = await beside().finish();
  const lines = readFileSync(process.env.ORDERS_LOG, 'utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line));
  process.stdout.write(JSON.stringify({ records, spans, userTrace, wire }));
  process.exit(0);
};

if (require.main === module)
  exports
    .run({
      ...require('@modelcontextprotocol/sdk/client/index.js'),
      ...require('@modelcontextprotocol/sdk/inMemory.js'),
      ...require('@modelcontextprotocol/sdk/server/mcp.js'),
    })
    .then(exports.report);
