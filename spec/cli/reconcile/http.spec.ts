import { randomUUID } from 'node:crypto';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { expect } from 'chai';
import { z } from 'zod';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../../lib/withLogging.js';
import { reconcile } from '../../support/reconciled.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('reconcile, over HTTP', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  const log = (name: string) => new FileSink(at(name));
  beforeEach(() => (folder = temporaryFolder()));

  let http: HttpServer;
  let url: URL;
  let closeServer: () => Promise<unknown> = async () => undefined;

  async function serve(stateless: boolean): Promise<void> {
    const sink = log('server.jsonl');
    const transports = new Map<string, StreamableHTTPServerTransport>();
    const begin = async () => {
      const server = new McpServer({ name: 'bank', version: '1.0.0' });
      server.registerTool('pay', { inputSchema: { amount: z.number() } }, ({ amount }) => ({
        content: [{ type: 'text', text: `paid ${amount}` }],
      }));
      withLogging(server, { environment: 'test', sink });
      closeServer = async () => auditLogOf(server as never)?.shutdown();
      const transport = new StreamableHTTPServerTransport({
        ...(!stateless && { sessionIdGenerator: () => randomUUID() }),
        onsessioninitialized: (id) => void transports.set(id, transport),
      });
      await server.connect(transport as never);
      return transport;
    };
    http = createServer((request, response) => {
      const id = request.headers['mcp-session-id'];
      const known = typeof id === 'string' ? transports.get(id) : undefined;
      void Promise.resolve(known ?? begin()).then((transport) => transport.handleRequest(request, response));
    });
    await new Promise<void>((done) => void http.listen(0, '127.0.0.1', done));
    url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`);
  }

  afterEach(async () => {
    await closeServer();
    http.closeAllConnections();
    await new Promise((done) => http.close(done));
    folder.remove();
  });

  for (const stateless of [false, true])
    it(`tells clients apart whose request ids are the same, ${stateless ? 'without' : 'with'} sessions`, async () => {
      await serve(stateless);
      const clients = await Promise.all(
        [1, 2, 3].map(async (number) => {
          const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
            environment: 'test',
            sink: log(`client${number}.jsonl`),
            // Without the trace, the second and the third have only their commitments or their sessions.
            propagate: number === 1,
            propagateCommitments: number === 2,
          });
          await client.connect(new StreamableHTTPClientTransport(url) as never);
          return client;
        }),
      );
      await Promise.all(
        clients.flatMap((client, index) =>
          [1, 2, 3].map((amount) =>
            client.callTool({ name: 'pay', arguments: { amount: amount * 10 ** index } }),
          ),
        ),
      );
      for (const client of clients) {
        await client.close();
        await auditLogOf(client)?.shutdown();
      }
      const names = [1, 2, 3].map((number) => at(`client${number}.jsonl`));
      const report = await reconcile(at('server.jsonl'), ...names);
      if (stateless) {
        // Nothing joins the third client's requests with the server's records: neither trace, nor session, nor commitment.
        expect(report.paired_by).to.include({ span: 4, commitment: 4, session: 0 });
        expect(report.code).to.equal(1);
      } else {
        expect(report.findings).to.deep.equal([]);
        expect(report.paired_by).to.include({ span: 4, commitment: 4, session: 4 });
      }
      expect(report).to.include({ different: 0 });
      expect(report.compared.arguments).to.equal(4);
    });
});
