// A fleet on one machine: thirty audited processes, a collector, ClickHouse, and the questions that are asked of all of them at once.
// Run: npm run build && node examples/fleet/run.mjs [PROCESSES] [CALLS]   (needs clickhouse-server; Debian: apt-get install clickhouse-server)
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HttpSink } from 'otel-mcp-log';
import { startClickHouse } from '../clickhouse/server.mjs';
import { startCollector } from './collector.mjs';

const PROCESSES = Number(process.argv[2] ?? 30);
const CALLS = Number(process.argv[3] ?? 100);
/** `SMOOTH=1`: nothing goes wrong on the way, to measure how much goes through. */
const SMOOTH = process.env.SMOOTH === '1';
/** As many of them at a time as there is memory for; the others follow. */
const AT_A_TIME = 10;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const CLI = here('../../dist/esm/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-fleet-'));
const logs = join(folder, 'logs');
mkdirSync(logs);

const clickHouse = await startClickHouse();
const collector = await startCollector(join(folder, 'queue.jsonl'), SMOOTH ? undefined : trouble);
try {
  await clickHouse.run(readFileSync(here('../../dist/clickhouse.sql'), 'utf8'));

  const engine = new HttpSink({ receiver: 'clickhouse', endpoint: clickHouse.url });
  const began = performance.now();
  const fleet = runFleet();
  let running = true;
  void fleet.finally(() => (running = false));
  // The consumer: takes what has arrived, while the fleet is at work.
  while (running) {
    await sleep(250);
    await load(engine, collector.take());
  }
  await fleet;
  await load(engine, collector.take());
  const seconds = (performance.now() - began) / 1000;
  await ask(seconds);
} finally {
  await collector.stop();
  await clickHouse.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** What goes wrong on the way: a collector that is busy, an answer that is lost, and one record that is refused. */
function trouble(records, request) {
  const isPoor = ({ body }) => /"actor_id":"plain-2@/.test(body) && /"resource":"tools\/order"/.test(body);
  const poor = trouble.done === true ? undefined : records.find(isPoor);
  // Before all else: a record that an earlier request brought, whose answer was lost, would not be missing.
  if (poor !== undefined) {
    trouble.done = true;
    return { reject: (record) => record === poor };
  }
  if (request % 7 === 3) return { status: 429, retryAfter: '1' };
  if (request % 11 === 5) return { status: 503, kept: true };
  return undefined;
}

async function runFleet() {
  const waiting = Array.from({ length: PROCESSES - 3 }, (_, index) => ({
    role: 'plain',
    name: `plain-${index}`,
  }));
  waiting.push({ role: 'agent', name: 'agent' });
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await runOne(next);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** One process; the one that is killed is started again, and goes on with its file and its spool. */
async function runOne({ role, name }) {
  const number = Number(name.split('-')[1] ?? 0);
  const env = {
    ...process.env,
    ...{ NAME: name, COLLECTOR: collector.url, FOLDER: logs, CALLS: String(CALLS), OTEL_MCP_LOG_QUIET: '1' },
    ENCODING: number % 2 === 0 ? 'json' : 'protobuf',
    OTEL_RESOURCE_ATTRIBUTES: `host.name=app-${(number % 2) + 1}`,
    ...(name === 'plain-1' && { CHANGES_TOOL: 'yes' }),
  };
  if (name === 'plain-0') await start(role, { ...env, KILLED_AT: String(CALLS / 2) });
  const [code, signal] = await start(role, env);
  assert.deepEqual([code, signal], [0, null], `${name} did not end well`);
}

function start(role, env) {
  return once(
    spawn(process.execPath, [here('agent.mjs'), role], { env, stdio: ['ignore', 'inherit', 'inherit'] }),
    'exit',
  );
}

/** The consumer's part: whole records into the engine, and again until they are there. */
async function load(engine, records) {
  if (records.length === 0) return;
  const { status, error, rejected } = await engine.emit(records.map(({ body }) => JSON.parse(body)));
  assert.deepEqual([status, error, rejected], ['delivered', undefined, undefined]);
}

async function ask(seconds) {
  const files = readdirSync(logs)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(logs, name));
  const written = files.reduce((sum, file) => sum + linesOf(readFileSync(file, 'utf8')).length, 0);
  const table = `clickhouse+${clickHouse.url.replace(/\/$/, '')}`;
  const { counts } = collector;
  heading(
    `${PROCESSES} processes, ${written} records in their files, ${Math.round(written / seconds)} a second`,
  );
  console.log(`requests ${counts.requests}, refused ${counts.refused}, bytes ${counts.bytes}`, counts.byType);
  console.log(
    `records taken by the collector ${counts.records}, of them refused for good ${counts.rejected}`,
  );
  const [{ bytes }] = await rows(
    "SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE table = 'mcp_audit' AND active",
  );
  console.log(`partitions ${collector.partitions().length}, bytes in the table ${bytes}`);

  heading('Was anything lost, and when?');
  const losses = await rows(
    'SELECT log_id, host, service, records, processes, missing FROM mcp_audit_losses ORDER BY missing DESC LIMIT 3',
  );
  console.table(losses);
  const holes = await rows(
    'SELECT log_id, after_seq, before_seq, missing, after_time, before_time FROM mcp_audit_holes',
  );
  console.table(holes);
  assert.deepEqual(
    holes.map(({ missing }) => Number(missing)),
    SMOOTH ? [] : [1],
    'one record was refused for good',
  );
  for (const { after_time: from, before_time: to } of holes) {
    const within = `SELECT sum(missing) AS missing FROM mcp_audit_holes WHERE before_time >= '${from}' AND after_time < '${to}'`;
    assert.deepEqual(await rows(within), [{ missing: '1' }]);
  }

  heading('Who touched orders?');
  console.table(
    await rows(
      `SELECT actor_id, actor_type, operations, not_successful FROM mcp_audit_touched WHERE resource = 'tools/order' ORDER BY operations DESC, actor_id LIMIT 5`,
    ),
  );

  heading('What changed in tools?');
  const changes = await rows(
    'SELECT tool, server_id, actor_id, said_before, says_now FROM mcp_audit_tool_changes',
  );
  console.table(changes);
  assert.equal(changes.length, 1);
  assert.match(changes[0].said_before, /"Orders an item"/);
  assert.match(changes[0].says_now, /First send the address book along/);

  heading('One trace across three processes of two hosts');
  const [{ trace_id: trace }] = await rows(
    `SELECT trace_id FROM mcp_audit_traces WHERE resource = 'tools/order' AND service_name = 'stock' LIMIT 1`,
  );
  console.log((await cli(['query', '--follow-trace', trace, table])).stdout);
  const services = await rows(
    `SELECT service_name, host_name FROM mcp_audit_traces WHERE trace_id = '${trace}' ORDER BY time`,
  );
  assert.deepEqual(
    services.map(({ service_name: service, host_name: host }) => `${service} on ${host}`),
    ['agent on app-1', 'shop on app-2', 'stock on app-2'],
  );

  heading('The same filters, of the table and of the files');
  for (const filter of [
    ['--outcome', 'failure'],
    ['--actor', 'plain-1@*', '--tool', 'order'],
    ['--contains', 'address book'],
    ['--event', 'login'],
  ]) {
    const began = performance.now();
    const ofTable = await cli(['query', ...filter, table]);
    const took = Math.round(performance.now() - began);
    const ofFiles = await cli(['query', ...filter, ...files]);
    const [found, expected] = [ofTable, ofFiles].map(({ stdout }) => operationsIn(stdout));
    // The one record that the collector refused is in no table.
    const missing = expected.filter((line) => !found.includes(line));
    console.log(
      `query ${filter.join(' ')}: ${found.length} of the table, ${expected.length} of the files, ${took} ms`,
    );
    assert.ok(
      missing.length <= 1 && found.length + missing.length === expected.length,
      `${filter.join(' ')}: ${missing}`,
    );
  }
  console.log('\nAll answers are as they should be.');
}

/** Which operations lines are about: the same record has another number in the file than in the spool. */
function operationsIn(text) {
  return linesOf(text)
    .map((line) => JSON.parse(line).record_id)
    .sort();
}

function linesOf(text) {
  return text.split('\n').filter((line) => line !== '');
}

async function rows(sql) {
  return linesOf(await clickHouse.query(`${sql} FORMAT JSONEachRow`)).map((line) => JSON.parse(line));
}

/** The command line, as its users run it. */
function cli(args, stdin = '') {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [CLI, ...args],
      { maxBuffer: 1 << 30 },
      (error, stdout, stderr) => {
        if (error === null) resolve({ stdout });
        else reject(new Error(`${args.slice(0, 3).join(' ')}: ${stderr}`));
      },
    );
    child.stdin.end(stdin);
  });
}

function heading(text) {
  console.log(`\n== ${text}`);
}
