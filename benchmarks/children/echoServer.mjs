// A server with one tool, over stdio or streamable HTTP: the least that a real server does for a call. Prints its URL on HTTP.
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

function echo() {
  const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { message: z.string() } }, ({ message }) => ({
    content: [{ type: 'text', text: message }],
  }));
  return server;
}

/** A session for each client: mcp-remote opens one to try the server, and another for its client. */
const sessions = new Map();
async function sessionOf(id) {
  const known = sessions.get(id);
  if (known !== undefined) return known;
  const sessionIdGenerator = () => `session-${sessions.size}`;
  const onsessioninitialized = (given) => void sessions.set(given, transport);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator, onsessioninitialized });
  await echo().connect(transport);
  return transport;
}

if (process.argv[2] === 'http') {
  const http = createServer(async (request, response) => {
    const transport = await sessionOf(request.headers['mcp-session-id']);
    await transport.handleRequest(request, response);
  });
  http.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${http.address().port}/mcp`));
  process.on('disconnect', () => process.exit());
} else {
  await echo().connect(new StdioServerTransport());
}
