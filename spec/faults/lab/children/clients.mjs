// Opens clients, uses each once, closes none and forgets them all; says what is left of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { AuditSpanProcessor, instrumentClient, withLogging } from 'otel-mcp-log';
import { plan, say } from './support.mjs';

class Transport {
  async start() {}
  async close() {}
  async send({ id, method, params }) {
    const result =
      method === 'initialize'
        ? {
            protocolVersion: params.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: 's', version: '1' },
          }
        : { content: [] };
    if (id !== undefined) queueMicrotask(() => this.onmessage?.({ jsonrpc: '2.0', id, result }));
  }
}
let records = 0;
const options = {
  environment: 'lab',
  sink: { name: 'count', emit: (batch) => void (records += batch.length) },
};
if (plan.how === 'processor') {
  new AuditSpanProcessor(options).enable();
  instrumentClient(Client);
}
let collected = 0;
const registry = new FinalizationRegistry(() => collected++);
async function open() {
  const client = new Client({ name: 'lab', version: '1' });
  if (plan.how === 'withLogging') withLogging(client, options);
  await client.connect(new Transport());
  await client.callTool({ name: 'echo' });
  registry.register(client, undefined);
}
async function heap() {
  for (let round = 0; round < 6; round++) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}
for (let i = 0; i < plan.count; i++) await open();
const before = await heap();
for (let i = 0; i < plan.count; i++) await open();
const growth = (await heap()) - before;
say({ fact: 'left', value: { growth, left: 2 * plan.count - collected, records } });
process.exit(0);
