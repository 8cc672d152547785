// An application that knows nothing of auditing: it uses the MCP SDK, and everything it does is on record.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { bold, dim, green, heading, note, title } from './print.mjs';

const { sdk, receiver, log } = globalThis.demo;
const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const newClient = () => new Client({ name: 'demo-agent', version: '1.0.0' });
const stdio = () =>
  new StdioClientTransport({ command: process.execPath, args: [everything, 'stdio'], stderr: 'ignore' });

async function eightOperations(client, transport) {
  await client.connect(transport);
  await client.listTools();
  await client.callTool({ name: 'echo', arguments: { message: 'hello', password: 'hunter2' } });
  const { resources } = await client.listResources();
  await client.readResource({ uri: resources[0].uri });
  await client.listPrompts();
  await client.getPrompt({ name: 'simple-prompt' });
  await client.close();
}

/** It takes its time to begin, and does so beside the first operations. */
async function startHttpServer() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const server = spawn(process.execPath, [everything, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  });
  // Also where the demo fails.
  process.once('exit', () => server.kill());
  return { server, url: new URL(`http://127.0.0.1:${port}/mcp`) };
}

async function overHttp({ server, url }) {
  while (!(await fetch(url).catch(() => undefined))) await new Promise((resolve) => setTimeout(resolve, 50));
  await eightOperations(newClient(), new StreamableHTTPClientTransport(url));
  server.kill();
}

async function threeFailures() {
  const client = newClient();
  const transport = stdio();
  await client.connect(transport);
  await client.callTool({ name: 'no-such-tool', arguments: {} });
  await client.callTool({ name: 'get-sum', arguments: { a: 'one', b: 'two' } });
  const call = client.callTool({
    name: 'trigger-long-running-operation',
    arguments: { duration: 30, steps: 3 },
  });
  setTimeout(() => process.kill(transport.pid, 'SIGKILL'), 200);
  await call.catch(() => undefined);
}

async function correlation() {
  await sdk.shutdown();
  const records = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    // What the log says of itself (audit/start, audit/stop) is no operation, and has no span.
    .filter(({ mcp }) => mcp !== undefined);
  const matched = records.filter(
    ({ span_id, correlation_id }) => receiver.spans.get(span_id)?.traceId === correlation_id,
  );
  const call = records.find(({ resource }) => resource === 'tools/echo');
  const span = receiver.spans.get(call.span_id);
  note(`record  ${dim('correlation_id')}  ${bold(call.correlation_id)}  ${call.resource}`);
  note(`span    ${dim('traceId')}         ${bold(span.traceId)}  ${span.name}`);
  note(`arguments on record: ${JSON.stringify(call.mcp.tool_arguments)}`);
  receiver.stop();
  const verdict = `${matched.length} of ${records.length} records carry the trace id that the OTLP receiver saw`;
  if (matched.length !== records.length) throw new Error(verdict);
  process.stdout.write(`\n  ${green('✔')} ${bold(verdict)}\n`);
  process.stdout.write(`  ${green('✔')} every record is a line of ${bold(log)}\n\n`);
}

const http = await startHttpServer();
title('otel-mcp-log', 'every operation of an MCP client, on record');
heading('1', 'Eight operations over stdio', '@modelcontextprotocol/server-everything, a child process');
await eightOperations(newClient(), stdio());
heading('2', 'The same over streamable HTTP', 'the same server, on loopback');
await overHttp(http);
heading('3', 'Three failures', 'an unknown tool, arguments the tool refuses, a server killed in mid-call');
await threeFailures();
heading('4', 'One trace id on both sides', 'the audit log, and the spans that an OTLP receiver got');
await correlation();
