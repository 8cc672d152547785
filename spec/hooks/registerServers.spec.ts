import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('otel-mcp-log/register in a server over stdio', function () {
  this.timeout(30_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  /** Calls the server's tool, closes, and gives what it said on stderr. */
  async function talk(env: Record<string, string> = {}): Promise<string> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: ['--import', 'otel-mcp-log/register', './spec/hooks/fixtures/server.mjs'],
      env: { OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: file, OTEL_MCP_LOG_QUIET: 'true', ...env },
      stderr: 'pipe',
    });
    let stderr = '';
    transport.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    const client = new Client({ name: 'agent', version: '1.2.3' });
    await client.connect(transport as never);
    expect((await client.callTool({ name: 'hello' })).content).to.deep.equal([
      { type: 'text', text: 'hello' },
    ]);
    await client.close();
    return stderr;
  }

  const records = () =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord)
      .filter(({ mcp }) => mcp !== undefined);

  it('records its requests, and the end of the session by its client', async () => {
    expect(await talk()).to.equal('');
    expect(records().map(({ mcp }) => [mcp?.method, mcp?.side])).to.deep.equal([
      ['initialize', 'server'],
      ['tools/call', 'server'],
      ['close', 'server'],
    ]);
    const [login, call, logout] = records();
    expect(call).to.include({ component: 'mcp-server', server_id: 'plain-server', client_id: 'agent' });
    expect(call?.mcp).to.include({ transport: 'stdio', handler: 'returned' });
    expect(logout?.outcome).to.equal('OUTCOME_SUCCESS');
    expect(logout?.mcp).to.include({ ended_by: 'client' });
    expect(logout?.session_id).to.equal(login?.session_id);
  });

  it('leaves servers out where the variable says so, and then opens no log', async () => {
    expect(await talk({ OTEL_MCP_LOG_SERVERS: 'false' })).to.equal('');
    expect(existsSync(file)).to.equal(false);
  });

  it('serves on, and says that it is not audited, where its log is that of the program that started it', async () => {
    // This process stands for an agent that hands its variables on.
    const agents = new FileSink(file);
    try {
      const stderr = await talk();
      expect(stderr.match(/NOT AUDITED: the servers of this process/g)).to.have.length(1);
    } finally {
      await agents.close();
    }
    expect(readFileSync(file, 'utf8')).to.equal('');
  });
});
