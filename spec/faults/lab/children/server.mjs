// The far side of a client: a transport that answers by itself, a server over HTTP that refuses, and one in a process that dies.
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { say } from './support.mjs';

const content = (text) => ({ content: [{ type: 'text', text }] });
const initialized = ({ protocolVersion }) => ({
  protocolVersion,
  capabilities: { tools: {}, resources: {}, prompts: {} },
  serverInfo: { name: 'lab', version: '1.0.0' },
});

/** How often each tool was called, by its argument `n`. */
export const carriedOut = new Map();

const TOOLS = {
  echo: ({ n }) => ({ result: content(`said ${n}`) }),
  toolError: ({ text = 'it broke' }) => ({ result: { ...content(text), isError: true } }),
  rpcError: ({ text = 'no', data }) => ({ error: { code: -32050, message: text, ...(data && { data }) } }),
  hang: () => undefined,
  lost: (_, transport) => void transport.close(),
  // Steps the wall clock of this process, which libfaketime reads from a file.
  clock: ({ n, offset }) => (
    writeFileSync(process.env.FAKETIME_TIMESTAMP_FILE, offset),
    { result: content(`said ${n}`) }
  ),
};

function answer({ method, params }, transport) {
  if (method === 'initialize') return { result: initialized(params) };
  if (method === 'tools/list')
    return { result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] } };
  if (method === 'resources/read') return { result: { contents: [{ uri: params.uri, text: params.uri }] } };
  if (method === 'prompts/get')
    return { result: { messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] } };
  if (method !== 'tools/call') return { error: { code: -32601, message: 'not found' } };
  const { n } = params.arguments ?? {};
  carriedOut.set(n, (carriedOut.get(n) ?? 0) + 1);
  say({ begun: n });
  return (TOOLS[params.name] ?? TOOLS.echo)(params.arguments ?? {}, transport);
}

/** The least of a server, in this process. */
export class ServerTransport {
  async start() {}

  async close() {
    this.onclose?.();
  }

  async send(message) {
    if (message.method === undefined || message.id === undefined) return;
    setImmediate(() => {
      const reply = answer(message, this);
      if (reply !== undefined) this.onmessage?.({ jsonrpc: '2.0', id: message.id, ...reply });
    });
  }
}

/** A server over HTTP that answers calls of the tools `http401` and `http403` with these codes. */
export async function refusingServer() {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.method !== 'POST') return response.writeHead(405).end();
    const message = JSON.parse(body);
    if (message.id === undefined) return response.writeHead(202).end();
    const code = message.method === 'tools/call' ? Number(message.params.name.slice(4)) : 200;
    if (code !== 200) return response.writeHead(code).end('refused');
    const reply = { jsonrpc: '2.0', id: message.id, ...answer(message) };
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return new URL(`http://127.0.0.1:${server.address().port}/mcp`);
}

/** How to start the server that dies of its first call. */
export const dyingServer = {
  command: process.execPath,
  args: [fileURLToPath(import.meta.url), '{}', 'dies'],
};

if (process.argv[3] === 'dies') {
  let rest = '';
  process.stdin.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.method === 'tools/call') process.kill(process.pid, 'SIGKILL');
      if (message.id === undefined) continue;
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) })}\n`);
    }
  });
}
