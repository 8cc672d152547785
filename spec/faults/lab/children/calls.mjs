// Calls of a real MCP client, each with its number `n` among the arguments; says what its caller was told.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  auditLogOf,
  AuditSpanProcessor,
  FileSink,
  HttpSink,
  instrumentClient,
  withLogging,
} from 'otel-mcp-log';
import { alarm, attempt, peakKb, plan, say } from './support.mjs';
import { dyingServer, refusingServer, ServerTransport } from './server.mjs';
import { inContext, register } from './telemetry.mjs';

const {
  path,
  how = 'withLogging',
  sdk = 'v1',
  telemetry = {},
  log = {},
  http,
  steps,
  atOnce = false,
  custom,
} = plan;

const { Client, ...transports } =
  sdk === 'v1'
    ? {
        ...(await import('@modelcontextprotocol/sdk/client/index.js')),
        ...(await import('@modelcontextprotocol/sdk/client/stdio.js')),
        ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
      }
    : {
        ...(await import('@modelcontextprotocol/client')),
        ...(await import('@modelcontextprotocol/client/stdio')),
      };

/** Redactors of a user's that fail, which JSON cannot hold. */
const CUSTOM = {
  throws: () => {
    throw new Error('of the redactor');
  },
  'throws no error': () => {
    throw null;
  },
  'returns an object': () => ({ value: 1 }),
  'returns a promise': () => Promise.resolve('x'),
  'returns a function': () => () => 'x',
};

const sinks = [new FileSink(path), ...(http ? [new HttpSink(http)] : [])];
const redaction = { ...log.redaction, ...(custom && { custom: CUSTOM[custom] }) };
const options = { environment: 'lab', sinks, onError: alarm, ...log, redaction };
let processor;
if (how === 'processor') {
  processor = attempt(() => new AuditSpanProcessor(options).enable());
  instrumentClient(Client);
}
if (telemetry !== 'none') register(telemetry, processor ? [processor] : []);

const open = [];
async function connected(transport) {
  const client = new Client({ name: 'lab', version: '1.0.0' });
  open.push(client);
  if (how === 'withLogging') withLogging(client, options);
  await client.connect(transport);
  return client;
}

const PLACES = {
  memory: () => new ServerTransport(),
  http: async () => new transports.StreamableHTTPClientTransport(await refusingServer()),
  dying: () => new transports.StdioClientTransport({ ...dyingServer, stderr: 'ignore' }),
};
const placeOf = (call) => (call.startsWith('http') ? 'http' : call === 'died' ? 'dying' : 'memory');

function work(client, { call, arguments: given = {}, bytes, uri, name }, n) {
  if (call === 'read') return client.readResource({ uri });
  const text = bytes === undefined ? {} : { filling: 'x'.repeat(bytes) };
  const args = { ...given, ...text, n };
  const ask = (tool, requestOptions) => {
    const params = { name: name ?? tool, arguments: args };
    return sdk === 'v1'
      ? client.callTool(params, undefined, requestOptions)
      : client.callTool(params, requestOptions);
  };
  const abort = new AbortController();
  if (call === 'abortBefore') abort.abort();
  if (call === 'abortDuring') setTimeout(() => abort.abort(), 30);
  if (call.startsWith('abort')) return ask('hang', { signal: abort.signal });
  if (call === 'timeout') return ask('hang', { timeout: 30 });
  return ask(call);
}

async function step(each, n) {
  const client = await connected(await PLACES[placeOf(each.call)]());
  try {
    const result = await inContext(telemetry.within, () => work(client, each, n));
    say({ told: n, as: 'ok', value: result });
  } catch (error) {
    say({
      told: n,
      as: error.code?.startsWith?.('MCP_LOG_ERR') ? 'failed' : 'ok',
      code: String(error.code ?? error.name),
    });
  }
}

if (atOnce) await Promise.all(steps.map(step));
else for (const [n, each] of steps.entries()) await step(each, n);
// Steps that are lost without anybody's asking are recorded by themselves.
await sleep(0);
const handle = processor ?? auditLogOf(open[0]);
say({ fact: 'done', value: { rss: peakKb() } });
await handle.shutdown().then(
  () => say({ ended: 'ok' }),
  (error) => say({ ended: error.code ?? error.name }),
);
process.exit(0);
