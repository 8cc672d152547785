// An agent, a server behind OAuth that it calls, and a server that this one calls: three programs, three logs, one trace.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { auditLogOf, FileSink, RefusedError, withLogging } from 'otel-mcp-log';
import { startAuthorization, tokenOf } from './authorization.mjs';

const folder = process.env['BOTH_ENDS_FOLDER'] ?? mkdtempSync(join(tmpdir(), 'both-ends-'));
const logs = Object.fromEntries(
  ['agent', 'shop', 'stock'].map((name) => [name, join(folder, `${name}.jsonl`)]),
);

const CLIENT = 'agent-7:only-for-this-example';
const { issuer, close } = await startAuthorization(CLIENT);
const env = { ...process.env, SHOP_LOG: logs.shop, STOCK_LOG: logs.stock, ISSUER: issuer, CLIENT };
const shop = fork(fileURLToPath(new URL('shop.mjs', import.meta.url)), { env });
const [port] = await once(shop, 'message');
const url = new URL(`http://127.0.0.1:${port}/mcp`);

/** Ada, whose agent this is: she pays what is cheap. A chat would ask her; here she has made up her mind. */
const ask = ({ arguments: { item, price } }) => ({
  approved: price < 100,
  by: 'ada',
  reason: price < 100 ? `the last ${item} is broken` : 'too dear',
});
const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
  sink: new FileSink(logs.agent),
  environment: 'example',
  actorId: 'agent-7',
  onBehalfOf: 'ada',
  approvals: { destructive: true, ask },
  propagateCommitments: true,
});

// Somebody without a token is turned away before the server, and on record there.
await fetch(url, { method: 'POST', body: '{}' });
const authorization = `Bearer ${await tokenOf(issuer, CLIENT)}`;
await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization } } }));
await client.listTools();
await client.callTool({ name: 'order', arguments: { item: 'lamp', price: 20 } });
await client.callTool({ name: 'order', arguments: { item: 'piano', price: 9000 } }).catch((error) => {
  if (!(error instanceof RefusedError)) throw error;
});
await client.close();
await auditLogOf(client).shutdown();
shop.send('stop');
await once(shop, 'exit');
close();

const records = Object.entries(logs).flatMap(([log, path]) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ log, ...JSON.parse(line) })),
);
const named = (record) =>
  [record.log, record.mcp?.side ?? 'client', record.resource, record.outcome.slice(8)].map((text, column) =>
    text.padEnd([6, 7, 19, 0][column]),
  );

for (const name of Object.keys(logs)) {
  console.log(`\nThe log of ${name}:`);
  const own = records.filter(
    ({ log, resource }) => log === name && !/^audit\/(?:start|stop|tool)/.test(resource),
  );
  for (const record of own) console.log(' ', named(record).slice(1).join(' '), `by ${record.actor_id}`);
}

const ordered = records.find(
  ({ log, resource, outcome }) =>
    log === 'agent' && resource === 'tools/order' && outcome === 'OUTCOME_SUCCESS',
);
console.log(`\nThe trace of the order, ${ordered.trace_id}, in all three logs:`);
for (const record of records.filter(({ trace_id: trace }) => trace === ordered.trace_id))
  console.log(' ', named(record).join(' '));

console.log('\nWho approved what:');
for (const { mcp, data } of records.filter(({ resource }) => resource === 'audit/approval')) {
  const call = records.find(
    (each) => each.resource !== 'audit/approval' && each.mcp?.approval_id === mcp.approval_id,
  );
  const given = JSON.stringify(call.mcp.tool_arguments);
  console.log(`  ${data.decided_by}: ${mcp.decision} ${mcp.tool_name} ${given} (${data.reason})`);
}
/** Runs a command of `npx otel-mcp-log` and shows what it says. */
function run(...args) {
  const main = fileURLToPath(new URL('cli/main.js', import.meta.resolve('otel-mcp-log')));
  const { stdout, status } = spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' });
  console.log(`\n$ npx otel-mcp-log ${args.join(' ')}\n${stdout}(exit code ${status})`);
}

console.log('\nDo the three logs tell the same?');
run('reconcile', 'agent.jsonl', 'shop.jsonl', 'stock.jsonl');

// The verifier key is kept apart from the log, as an auditor would keep it.
cpSync(`${logs.shop}.integrity/vkey`, join(folder, 'shop.vkey'));
cpSync(logs.shop, join(folder, 'tampered', 'shop.jsonl'));
cpSync(`${logs.shop}.integrity`, join(folder, 'tampered', 'shop.jsonl.integrity'), { recursive: true });
const lines = readFileSync(logs.shop, 'utf8').split('\n');
const sold = lines.findIndex((line) => line.includes('"resource":"tools/order"'));
writeFileSync(join(folder, 'tampered', 'shop.jsonl'), lines.toSpliced(sold, 1).join('\n'));
console.log(`\nSomebody takes the order, line ${sold + 1}, out of the log of the shop.`);
run('reconcile', 'agent.jsonl', 'tampered/shop.jsonl', 'stock.jsonl');
run('verify', 'shop.jsonl', '--vkey', 'shop.vkey');
run('verify', 'tampered/shop.jsonl', '--vkey', 'shop.vkey');
console.log(`\nThe logs are in ${folder}`);
