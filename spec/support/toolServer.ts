import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';

/** A real server whose tools a test may change under the client, and that lists them in pages of any size. */
export class ToolServer {
  tools: Tool[];
  pageSize = 100;
  /** Names of the tools that were called. */
  readonly called: string[] = [];

  constructor(...tools: [name: string, description: string][]) {
    this.tools = tools.map(([name, description]) => ({ name, description, inputSchema: { type: 'object' } }));
  }

  /** Gives another description to a tool. */
  describe(name: string, description: string): void {
    this.tools = this.tools.map((tool) => (tool.name === name ? { ...tool, description } : tool));
  }

  /** A v1 client and its connection to this server; `prepare` sees the client before it connects. */
  async connect(prepare: (client: Client) => void, serverName = 'shop'): Promise<Client> {
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: 'agent', version: '1.0.0' });
    prepare(client);
    await this.serve(serverName).connect(serverSide);
    await client.connect(clientSide);
    return client;
  }

  /** This server under a name. */
  serve(name: string): Server {
    const server = new Server({ name, version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const from = Number(params?.cursor ?? 0);
      const to = from + this.pageSize;
      return {
        tools: this.tools.slice(from, to),
        ...(to < this.tools.length && { nextCursor: String(to) }),
      };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
      this.called.push(params.name);
      return { content: [{ type: 'text', text: 'done' }] };
    });
    return server;
  }
}
