// The server behind the server: it keeps the stock, speaks over standard streams, and has a log of its own.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { auditLogOf, FileSink, withLogging } from 'otel-mcp-log';
import { z } from 'zod';

const server = withLogging(new McpServer({ name: 'stock', version: '1.0.0' }), {
  sink: new FileSink(process.env['STOCK_LOG']),
  environment: 'example',
});
server.registerTool('reserve', { inputSchema: { item: z.string() } }, ({ item }) => ({
  content: [{ type: 'text', text: `one ${item} is set aside` }],
}));
auditLogOf(server).followProcess();
await server.connect(new StdioServerTransport());
