import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Gateway } from './gateway.js';
import { sayOnce } from '../internal/stderr.js';
import type { RawHeaders, Welcome } from './headers.js';
import type { Ending } from '../pipeline/lifecycle.js';
import { Introspection, type IntrospectionSettings } from './introspection.js';
import type { RelayLog } from './log.js';
import { Proxy } from './proxy.js';
import type { TransportFacts } from './clientFacts.js';
import { RelayedClient } from './relayedClient.js';
import { onSignals } from './signals.js';
import { Target } from './target.js';

/** Where a relay listens, and whose place it takes. */
export interface HttpRelay {
  readonly host: string;
  /** 0 takes one that is free. */
  readonly port: number;
  readonly url: URL;
  readonly headers: RawHeaders;
  /** Whom it answers, beside callers on this machine. */
  readonly welcome: Welcome;
  /** Where it is asked whose tokens are. Default: nowhere. */
  readonly introspection?: Omit<IntrospectionSettings, 'isRequired'> | undefined;
  /** Without one, nothing is recorded. */
  readonly log: RelayLog | undefined;
  /** Told where clients find it. */
  readonly onListening: (url: string) => void;
}

/**
 * Stands between clients and a server over HTTP. Resolves when a signal has ended it and the log is closed.
 *
 * @throws what listening throws, e.g. EADDRINUSE.
 */
export async function relayHttp(relay: HttpRelay): Promise<void> {
  const { host, port, url, headers, welcome, introspection, log, onListening } = relay;
  const target = new Target(url);
  const proxy = new Proxy({
    target,
    headers,
    recorder: log?.recorder,
    introspection:
      introspection && log && new Introspection({ ...introspection, isRequired: log.requiresActor }),
    welcome: { ...welcome, hosts: [...welcome.hosts, host] },
  });
  const server = createServer((request, response) => proxy.handle(request, response));
  // A stream lasts as long as both sides want it to, and so does the upload of a long message.
  server.requestTimeout = 0;
  server.timeout = 0;
  let end: (signal: NodeJS.Signals) => void = () => undefined;
  const ended = new Promise<NodeJS.Signals>((resolve) => (end = resolve));
  let ending: Ending = { ended_by: 'shutdown' };
  const stopSignals = onSignals(end);
  try {
    await listening(server, port, host.replace(/^\[(.*)\]$/, '$1'));
    const { port: own } = server.address() as AddressInfo;
    onListening(`http://${host}:${own}${url.pathname}`);
    ending = { ended_by: 'signal', signal: await ended };
    server.close();
    server.closeAllConnections();
    await proxy.end();
  } finally {
    stopSignals();
    await target.close();
    await log?.close(ending);
  }
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** How long the server may take to close a session once the relay has been told to end, in milliseconds. */
const GOODBYE_MS = 1_000;

/** A server over HTTP, and a client that speaks with us as with a server that it has started. */
export interface HttpServerRelay {
  readonly url: URL;
  readonly headers: RawHeaders;
  /** Without one, nothing is recorded. */
  readonly log: RelayLog | undefined;
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Stands between a client on our standard streams and a server over HTTP. Resolves when the client has left and the log is closed.
 *
 * @returns The signal that has ended it, if one has.
 */
export async function relayToHttp(relay: HttpServerRelay): Promise<NodeJS.Signals | undefined> {
  const { url, headers, log, input, output } = relay;
  const target = new Target(url);
  const facts: TransportFacts = { _url: url, terminateSession: () => undefined };
  const client = new RelayedClient(facts, log?.recorder, (answer) => gateway.answerServer(answer));
  const gateway = new Gateway({ target, headers, client, input, output });
  let ending: NodeJS.Signals | undefined;
  const stopSignals = onSignals((signal) => {
    ending = signal;
    gateway.abort();
  });
  const lost = await gateway.run();
  if (lost !== undefined) sayOnce(`relay: ${lost}, and with it the session`);
  await gateway.leave(GOODBYE_MS);
  await client.end(lost);
  const endedBy = lost === undefined ? 'client_closed' : 'server_exit';
  await log?.close(ending === undefined ? { ended_by: endedBy } : { ended_by: 'signal', signal: ending });
  await target.close();
  stopSignals();
  input.destroy();
  return ending;
}
