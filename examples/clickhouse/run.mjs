// Audit records in ClickHouse: a log file loaded after the fact, and an HttpSink that posts straight into its HTTP interface.
// Run: node examples/clickhouse/run.mjs (needs clickhouse-server; Debian: apt-get install clickhouse-server)
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { auditLogOf, FileSink, HttpSink, SpoolSink, withLogging } from 'otel-mcp-log';
import { startClickHouse } from './server.mjs';

const INSERT = 'INSERT INTO mcp_audit FORMAT JSONEachRow';
const CALLS = 200;
const CLI = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const cli = (...args) => promisify(execFile)(process.execPath, [CLI, ...args]);

const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-records-'));
const clickHouse = await startClickHouse();
try {
  await clickHouse.run(readFileSync(new URL('../../dist/clickhouse.sql', import.meta.url), 'utf8'));

  // Straight into ClickHouse, behind a spool, so that it may be away.
  const http = new HttpSink({ receiver: 'clickhouse', endpoint: clickHouse.url });
  const path = join(folder, 'audit.jsonl');
  const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
    sinks: [new FileSink(path), new SpoolSink(http, { directory: join(folder, 'spool') })],
    environment: 'example',
    component: 'live',
    mode: 'batch',
  });
  await work(client);
  await auditLogOf(client).shutdown();

  // Loaded after the fact, twice: what is there already is the same row.
  const { stdout } = await cli('export', '--format', 'clickhouse', path);
  for (let time = 0; time < 2; time++) await clickHouse.query(INSERT, stdout);

  const rows = await table(`
    SELECT component, count() AS records, sum(outcome != 'OUTCOME_SUCCESS') AS failures,
           toString(round(quantile(0.95)(duration_ms), 1)) AS p95_ms
    FROM mcp_audit FINAL GROUP BY component`);
  console.table(rows);
  const lines = readFileSync(path, 'utf8');
  const records = lines.trimEnd().split('\n').length;
  // The calls, a login and a logout, and what the log says of itself: audit/start and audit/stop.
  assert.equal(records, CALLS + 4);
  const [{ component, records: found, failures }, ...others] = rows;
  assert.deepEqual([component, found, failures], ['live', String(records), String(CALLS / 10)]);
  assert.deepEqual(others, []);

  const losses = await table('SELECT records, missing, first_time, last_time FROM mcp_audit_losses');
  console.table(losses);
  assert.deepEqual(
    losses.map(({ missing }) => missing),
    ['0'],
  );

  // The command line asks the table as it asks the file.
  const filter = ['query', '--outcome', 'failure'];
  const [ofTable, ofFile] = await Promise.all([
    cli(...filter, `clickhouse+${clickHouse.url}`),
    cli(...filter, path),
  ]);
  assert.deepEqual(ofTable.stdout.split('\n').sort(), ofFile.stdout.split('\n').sort());
  console.table(
    await table(`
    SELECT resource, outcome, count() AS records FROM mcp_audit FINAL WHERE component = 'live'
    GROUP BY resource, outcome ORDER BY records DESC, outcome`),
  );
} finally {
  await clickHouse.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Rows of a query, as objects. */
async function table(sql) {
  const text = await clickHouse.query(`${sql} FORMAT JSONEachRow`);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Connects, calls a tool that fails one time in ten, and closes. */
async function work(client) {
  const server = new McpServer({ name: 'shop', version: '1.0.0' });
  let calls = 0;
  server.registerTool('order', {}, () => ({
    content: [{ type: 'text', text: 'ordered' }],
    isError: calls++ % 10 === 0,
  }));
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  await client.connect(clientSide);
  for (let call = 0; call < CALLS; call++) await client.callTool({ name: 'order' });
  await client.close();
}
