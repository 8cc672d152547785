// One call of a tool, inside a span of the user's where the tool beside us has one; prints what each side saw of it.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { report, run } from './app.cjs';

await run({ Client, InMemoryTransport, McpServer });
await report();
