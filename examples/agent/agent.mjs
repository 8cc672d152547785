// An agent with three MCP servers: it looks around, decides, and acts. Every call and every decision is on one record each,
// in one log, and the calls of a task share the trace of the decision that led to them.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { audit, AuditSpanProcessor, FileSink, instrumentClient } from 'otel-mcp-log';

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'agent-'));
writeFileSync(join(folder, 'question.txt'), 'Who keeps the garden?');
const log = join(folder, 'audit.jsonl');

// One processor takes the records of every client and of every audited function: one file, one order. No tracer provider has it.
instrumentClient(Client);
const auditing = new AuditSpanProcessor({
  sink: new FileSink(log),
  environment: 'example',
  actorId: 'gardener',
}).enable();

const server = (name) => require.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`);
const everything = await connect([server('everything'), 'stdio']);
const files = await connect([server('filesystem'), folder]);
const memory = await connect([server('memory')], { MEMORY_FILE_PATH: join(folder, 'memory.json') });

/** What the agent thinks it should do next; where a model is asked in earnest, it is asked here. */
const decide = audit(
  {
    name: 'decide',
    eventType: 'EVENT_AGENT_DECISION',
    resource: 'decisions/next-step',
    data: ({ args: [task], result }) => ({ task, chosen: result }),
  },
  async (task) => (task.includes('question') ? 'read' : task.includes('remember') ? 'store' : 'answer'),
);

const steps = {
  read: () => files.callTool({ name: 'read_text_file', arguments: { path: join(folder, 'question.txt') } }),
  store: () =>
    memory.callTool({
      name: 'create_entities',
      arguments: { entities: [{ name: 'garden', entityType: 'place', observations: ['is kept'] }] },
    }),
  answer: () => everything.callTool({ name: 'echo', arguments: { message: 'The gardener does.' } }),
};

/** One task: a decision and what follows from it, in one trace. */
const work = audit(
  { name: 'work', eventType: 'EVENT_DELEGATION', resource: (task) => `tasks/${task}` },
  async (task) => steps[await decide(task)](),
);

for (const task of ['read the question', 'remember the garden', 'reply']) await work(task);
for (const client of [everything, files, memory]) await client.close();
await auditing.shutdown();

for (const line of readFileSync(log, 'utf8').trimEnd().split('\n')) {
  const { seq, event_type: event, resource, trace_id: trace, server_id: by = '' } = JSON.parse(line);
  console.log(
    `${String(seq).padStart(2)}  ${trace.slice(0, 8)}  ${event.padEnd(22)}  ${resource.padEnd(28)}  ${by}`,
  );
}

async function connect(args, env = {}) {
  const client = new Client({ name: 'gardener', version: '1.0.0' });
  const transport = { command: process.execPath, args, env: { ...process.env, ...env }, stderr: 'ignore' };
  await client.connect(new StdioClientTransport(transport));
  return client;
}
