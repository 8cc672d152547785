// Audit records in ClickHouse: a log file loaded after the fact, and an HttpSink that posts straight into its HTTP interface.
// Run: node examples/clickhouse/run.mjs (needs clickhouse-server; Debian: apt-get install clickhouse-server)
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { auditLogOf, FileSink, HttpSink, SpoolSink, withLogging } from 'otel-mcp-log';
import { SKIP_UNKNOWN, startClickHouse } from './server.mjs';

const INSERT = 'INSERT INTO mcp_audit FORMAT JSONEachRow';
const CALLS = 200;

const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-records-'));
const clickHouse = await startClickHouse();
try {
  await clickHouse.query(readFileSync(new URL('table.sql', import.meta.url), 'utf8'));

  // Straight into ClickHouse: NDJSON is what it calls JSONEachRow. Behind a spool, so that it may be away.
  const endpoint = `${clickHouse.url}?${new URLSearchParams({ query: INSERT, ...SKIP_UNKNOWN })}`;
  const http = new HttpSink({ endpoint, batch: { maxRecords: 1_000 } });
  const path = join(folder, 'audit.jsonl');
  const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
    sinks: [new FileSink(path), new SpoolSink(http, { directory: join(folder, 'spool') })],
    environment: 'example',
    component: 'live',
    mode: 'batch',
  });
  await work(client);
  await auditLogOf(client).shutdown();

  // Loaded after the fact, as `curl --data-binary @audit.jsonl` does. Twice, for the second time must change nothing.
  const lines = readFileSync(path, 'utf8');
  const loaded = lines.replaceAll('"component":"live"', '"component":"loaded"');
  for (let time = 0; time < 2; time++) await clickHouse.query(INSERT, loaded);

  const rows = await table(`
    SELECT component, count() AS records, sum(outcome != 'OUTCOME_SUCCESS') AS failures,
           toString(round(quantile(0.95)(duration_ms), 1)) AS p95_ms,
           max(seq) - min(seq) + 1 - count() AS missing
    FROM mcp_audit FINAL GROUP BY component ORDER BY component`);
  console.table(rows);
  const records = lines.trimEnd().split('\n').length;
  // The calls, a login and a logout, and what the log says of itself: audit/start and audit/stop.
  assert.equal(records, CALLS + 4);
  for (const row of rows) {
    const { component, records: found, failures, missing } = row;
    assert.deepEqual(
      [component, found, failures, missing],
      [component, String(records), String(CALLS / 10), '0'],
    );
  }
  assert.deepEqual(
    rows.map(({ component }) => component),
    ['live', 'loaded'],
  );
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
