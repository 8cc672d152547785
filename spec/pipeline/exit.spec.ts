import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folders } from '../support/logFolder.js';
import { runNode } from '../support/node.js';

/** A program that makes a log of one kind of sink, calls a tool in `batch` mode, and exits without a word to the log. */
const program = (sink: string, end = 'process.exit(0)') => `
  import { Client } from '@modelcontextprotocol/sdk/client/index.js';
  import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
  import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
  import { FileSink, withLogging } from 'otel-mcp-log';
  const server = new McpServer({ name: 's', version: '1' });
  server.registerTool('echo', {}, () => ({ content: [] }));
  const [a, b] = InMemoryTransport.createLinkedPair();
  await server.connect(b);
  const sink = ${sink};
  const client = withLogging(new Client({ name: 'c', version: '1' }), {
    environment: 'test', mode: 'batch', scheduledDelayMillis: 60_000, sink,
  });
  await client.connect(a);
  await client.callTool({ name: 'echo' });
  ${end};`;

const run = (source: string) => runNode(['--input-type=module', '-e', source]);

describe('a process that exits with records under way', function () {
  // A process each, with the built package.
  this.timeout(90_000);
  const folder = folders();

  for (const [how, end] of [
    ['by process.exit()', 'process.exit(0)'],
    ['by an error that nothing catches @slow', "throw new Error('bug')"],
  ] as const)
    it(`has them on file ${how}, without being asked`, async () => {
      const path = join(folder(), 'audit.jsonl');
      const { stderr } = await run(program(`new FileSink(${JSON.stringify(path)})`, end));
      const resources = readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { resource: string }).resource);
      expect(resources).to.deep.equal([
        'audit/start',
        'session/initialize',
        'tools/echo',
        'session/close',
        'audit/stop',
      ]);
      expect(stderr).not.to.include('process ended before');
    });

  it('tells stderr how many a sink could not take any more', async () => {
    const { stderr } = await run(program("{ name: 'remote', emit: () => new Promise(() => undefined) }"));
    expect(stderr).to.include("otel-mcp-log: the process ended before sink 'remote' had taken 3 records");
  });

  it('says nothing where a sink takes them at once @slow', async () => {
    const { stderr } = await run(program("{ name: 'quick', emit: () => undefined }"));
    expect(stderr).to.equal('');
  });
});
