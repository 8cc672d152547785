// Three clients, three answers to "what does a caller wait for?", over one sink that is slow and then fails.
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { auditLogOf, AuditUnavailableError, FileSink, SinkError, withLogging } from 'otel-mcp-log';

const server = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const folder = process.argv[2] ?? '.';

/** A file that can be made to fail, as a full disk would. */
function breakable(path) {
  const file = new FileSink({ path, fsync: 'always' });
  return {
    name: 'file',
    broken: false,
    async emit(records) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (this.broken) throw new Error('no space left on device');
      return file.emit(records);
    },
    flush: () => file.flush(),
    shutdown: () => file.shutdown(),
  };
}

async function show(mode) {
  const sink = breakable(`${folder}/${mode}.jsonl`);
  const unheard = [];
  const client = withLogging(new Client({ name: 'modes', version: '1.0.0' }), {
    sink,
    environment: 'example',
    mode,
    acks: mode === 'blocking-strict' ? 'durable' : undefined,
    exportTimeoutMillis: 1_000,
    onError: (error) => unheard.push(error.message),
  });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [server, 'stdio'], stderr: 'ignore' }),
  );
  const call = () => client.callTool({ name: 'echo', arguments: { message: mode } });
  const started = performance.now();
  await call();
  const waited = performance.now() - started > 90 ? 'waited for the sink' : 'did not wait';
  await written(client);
  sink.broken = true;
  const failed = await call().then(() => 'answered as if nothing were wrong', explain);
  await written(client);
  sink.broken = false;
  await written(client);
  await client.close();
  await auditLogOf(client).shutdown();
  console.log(
    `${mode}: the call ${waited}; with the sink broken it ${failed}; onError heard ${unheard.length}`,
  );
}

/** Until everything so far has been tried; what failed was told to `onError`. */
function written(client) {
  return auditLogOf(client)
    .forceFlush()
    .catch(() => {});
}

/** What a caller can tell from the error: whether the tool ran. */
function explain(error) {
  if (error instanceof AuditUnavailableError) return 'was refused before it was sent';
  if (error instanceof SinkError)
    return `rejected, and carried the tool's own outcome (${error.operation.status})`;
  throw error;
}

for (const mode of ['blocking', 'blocking-strict', 'batch']) await show(mode);
