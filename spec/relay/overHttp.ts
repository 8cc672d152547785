import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { resolveOptions, type AuditOptions } from '../../lib/config.js';
import { createAuditLog } from '../../lib/processor/auditLog.js';
import { callersActor, type Introspection } from '../../lib/relay/callers.js';
import { Gateway } from '../../lib/relay/gateway.js';
import type { RawHeaders } from '../../lib/relay/headers.js';
import { Proxy } from '../../lib/relay/proxy.js';
import { RelayedClient } from '../../lib/relay/relayedClient.js';
import { Target } from '../../lib/relay/target.js';
import { MemorySink } from '../support/memorySink.js';

/** What a relay in this process is made with, beside where it leads. */
export interface RelayOptions extends Partial<AuditOptions> {
  readonly headers?: RawHeaders;
  readonly introspection?: Introspection;
}

function logOf({ headers: _, introspection: __, ...options }: RelayOptions) {
  const sink = new MemorySink();
  const { recording, close } = createAuditLog(
    resolveOptions({
      environment: 'test',
      startRecord: false,
      ...(options.sink === undefined ? { sink } : {}),
      ...options,
    }),
    'clients',
  );
  return { sink, recording, close };
}

/** A relay between HTTP and HTTP, in this process. */
export async function startProxy(url: URL, options: RelayOptions = {}) {
  const { sink, recording, close } = logOf({ actorId: callersActor, ...options });
  const target = new Target(url);
  const { headers = [], introspection } = options;
  const welcome = { hosts: [], origins: [] };
  const proxy = new Proxy({ target, recorder: recording, welcome, headers, introspection });
  const server = createServer((request, response) => proxy.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}${url.pathname}`),
    sink,
    /** Closes all connections. Resolves when all is on record. */
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await proxy.end();
      await target.close();
      await close().catch(() => undefined);
    },
  };
}

/** A relay between a client on standard streams and HTTP, in this process. */
export function startGateway(url: URL, options: RelayOptions = {}) {
  const { sink, recording, close } = logOf(options);
  const target = new Target(url);
  const [input, output] = [new PassThrough(), new PassThrough()];
  const facts = { _url: url, terminateSession: () => undefined };
  const client: RelayedClient = new RelayedClient(facts, recording, (answer) => gateway.answerServer(answer));
  const gateway = new Gateway({ target, headers: options.headers ?? [], client, input, output });
  const over = gateway.run().then(async (lost) => {
    await gateway.leave(1_000);
    await client.end(lost);
    await target.close();
    output.end();
    await close().catch(() => undefined);
  });
  const said: Buffer[] = [];
  output.on('data', (bytes: Buffer) => said.push(bytes));
  return {
    sink,
    say: (line: string | Buffer) => void input.write(line),
    heard: () => Buffer.concat(said).toString().split('\n').slice(0, -1),
    bytes: () => Buffer.concat(said),
    abort: () => gateway.abort(),
    /** Resolves when it has ended, by whichever side. */
    over,
    /** Says the last word. Resolves when all is on record. */
    end() {
      input.end();
      return over;
    },
  };
}
