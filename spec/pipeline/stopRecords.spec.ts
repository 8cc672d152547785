import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyLogFile } from '../../lib/integrity/verification/verifyFile.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { folders } from '../support/logFolder.js';
import { runNode } from '../support/node.js';

/** A program that opens a log in one way, logs in to a server, and ends in another way. */
const program = (wayIn: string, end: string) => `
  import { Client } from '@modelcontextprotocol/sdk/client/index.js';
  import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
  import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
  import { audit, auditLogOf, AuditSpanProcessor, FileSink, McpInstrumentation, StdoutSink, withLogging } from 'otel-mcp-log';
  const [a, b] = InMemoryTransport.createLinkedPair();
  const server = new McpServer({ name: 's', version: '1' });
  server.registerTool('echo', {}, () => ({ content: [] }));
  await server.connect(b);
  const client = new Client({ name: 'c', version: '1' });
  const path = process.env.AUDIT_FILE;
  ${wayIn};
  await client.connect(a);
  await client.callTool({ name: 'echo' });
  ${end};`;

const WITH_LOGGING = "withLogging(client, { environment: 'test', sink: new FileSink(path) })";
const BESIDE_STDOUT =
  "withLogging(client, { environment: 'test', sinks: [new StdoutSink({ pretty: true }), new FileSink(path)] })";
const PROCESSOR = `
  const { instrumentClient } = await import('otel-mcp-log');
  new AuditSpanProcessor({ environment: 'test', sink: new FileSink(path) }).enable();
  instrumentClient(Client)`;
const sealed = (key: string) =>
  `withLogging(client, { environment: 'test',
    sink: new FileSink({ path, integrity: { origin: 'audit.example.com', key: { generate: ${JSON.stringify(key)} } } }) })`;

describe('the last record of a log', function () {
  // Processes of their own, with the built package.
  this.timeout(90_000);
  const folder = folders();

  const logIn = (path: string) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
  async function logOf(source: string, path = join(folder(), 'audit.jsonl'), ...node: string[]) {
    const finished = await runNode([...node, '--input-type=module', '-e', source], {
      AUDIT_FILE: path,
      OTEL_MCP_LOG_FILE: path,
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
    });
    const records = logIn(path);
    return { ...finished, records, last: records.at(-1)!, path };
  }

  const ways: [title: string, way: string, end: string, node: string[], expected: object][] = [
    [
      'a program that just ends, as the first one of the README without its last line',
      BESIDE_STDOUT,
      'await client.close()',
      [],
      { ended_by: 'natural_exit', exit_code: 0 },
    ],
    [
      'process.exit(3), with a session open',
      PROCESSOR,
      'process.exit(3)',
      [],
      { ended_by: 'process_exit', exit_code: 3 },
    ],
    [
      'an exception that nothing catches @slow',
      WITH_LOGGING,
      "setImmediate(() => { throw new RangeError('card 4111 1111 1111 1111'); })",
      [],
      { ended_by: 'uncaught_exception', exit_code: 1, error_type: 'RangeError' },
    ],
    [
      'a rejection that nothing handles @slow',
      WITH_LOGGING,
      "Promise.reject(new TypeError('x')); await new Promise((resolve) => setTimeout(resolve, 60_000))",
      [],
      { ended_by: 'unhandled_rejection', exit_code: 1, error_type: 'TypeError' },
    ],
    [
      'SIGTERM, with register',
      '',
      "process.kill(process.pid, 'SIGTERM'); await new Promise((resolve) => setTimeout(resolve, 60_000))",
      ['--import', 'otel-mcp-log/register'],
      { ended_by: 'signal', signal: 'SIGTERM' },
    ],
    [
      'shutdown(), and process.exit() after it @slow',
      WITH_LOGGING,
      'await client.close(); await auditLogOf(client).shutdown(); process.exit(0)',
      [],
      { ended_by: 'shutdown' },
    ],
    [
      'process.exit() in a log of own functions @slow',
      `new AuditSpanProcessor({ environment: 'test', sink: new FileSink(path) });
       await audit({ name: 'decide', eventType: 'EVENT_AGENT_DECISION', resource: 'decisions/refund' }, async () => true)()`,
      'process.exit(4)',
      [],
      { ended_by: 'process_exit', exit_code: 4 },
    ],
  ];
  for (const [title, way, end, node, expected] of ways)
    it(`says why it ended: ${title}`, async () => {
      const { records, last, stderr } = await logOf(program(way, end), undefined, ...node);
      expect(last.resource, stderr).to.equal('audit/stop');
      const [start] = records;
      expect(start!.resource).to.equal('audit/start');
      expect(last.data).to.deep.include(expected);
      for (const field of ['version', 'policy', 'pid'])
        expect(last.data).to.have.deep.property(field, (start!.data as Record<string, unknown>)[field]);
      expect(last.data).to.have.property('patched').that.is.an('array');
      expect(records.filter(({ resource }) => resource === 'audit/stop')).to.have.length(1);
      expect(JSON.stringify(records)).not.to.include('4111');
      expect(stderr).not.to.include('process ended before');
    });

  it('is missing after a kill, and the next first record says so', async () => {
    const { path, last } = await logOf(program(WITH_LOGGING, "process.kill(process.pid, 'SIGKILL')"));
    expect(last.resource).not.to.equal('audit/stop');
    const first = logIn(path).length;
    await logOf(program(WITH_LOGGING, 'await client.close()'), path);
    const next = logIn(path)[first]!;
    expect(next.resource).to.equal('audit/start');
    expect(next.data).to.deep.include({ previous: { stopped: false, last_seq: last.seq } });
  });

  it('is sealed where the log is, by a program that just ends', async () => {
    const key = join(folder(), 'key.pem');
    const { path, last } = await logOf(program(sealed(key), 'await client.close()'));
    expect(last.data).to.include({ ended_by: 'natural_exit' });
    expect((await verifyLogFile(path, {})).problems).to.deep.equal([]);
  });

  it('is not the one record of a sealed log that nothing vouches for @slow', async () => {
    const key = join(folder(), 'key.pem');
    const end = 'await client.close(); await auditLogOf(client).forceFlush(); process.exit(0)';
    const { path, last } = await logOf(program(sealed(key), end));
    expect(last.resource).to.equal('session/close');
    expect((await verifyLogFile(path, {})).problems).to.deep.equal([]);
  });
});
