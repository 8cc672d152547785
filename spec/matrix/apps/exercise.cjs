// The small run of every case: log in, list, call, log out, against a real server in the same process. It knows nothing of
// auditing; what the server was told of the trace is printed, to be compared with the record.
exports.exercise = async ({ Client, InMemoryTransport, McpServer }) => {
  const server = new McpServer({ name: 'matrix-server', version: '1.0.0' });
  const meta = [];
  server.registerTool('echo', {}, (...args) => {
    const context = args.at(-1);
    meta.push(context._meta ?? context.mcpReq?._meta);
    return { content: [{ type: 'text', text: 'hello' }] };
  });
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  const client = new Client({ name: 'matrix-app', version: '1.0.0' });
  await client.connect(clientSide);
  await client.listTools();
  await client.callTool({ name: 'echo' });
  await client.close();
  process.stdout.write(`${JSON.stringify({ traceparent: meta[0]?.traceparent })}\n`);
};
