import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Exchange, type Outgoing } from './exchange.js';
import { eachPiece, type Piece } from './framing.js';
import type { Ending } from '../pipeline/lifecycle.js';
import type { RelayLog } from './log.js';
import { OrderedWriter } from './orderedWriter.js';
import { OwnQuestions, type TransportFacts } from './clientState.js';
import { RelayedClient } from './relayedClient.js';
import { Gateway } from './gateway.js';
import { sayOnce } from '../internal/stderr.js';
import type { RawHeaders, Welcome } from './headers.js';
import { Introspection, type IntrospectionSettings } from './callers.js';
import { Proxy } from './proxy.js';
import { Target } from './target.js';

/** Signals that end a client's server, and that a terminal sends. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Hears the signals that would end this process. Gives what lets them end it again. */
function onSignals(hear: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of ENDING) process.on(signal, hear);
  return () => {
    for (const signal of ENDING) process.off(signal, hear);
  };
}

/** How a server's process ended. */
interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server to be started, and the client that wants to speak with it. */
interface StdioRelay {
  readonly command: string;
  readonly args: readonly string[];
  /** Without one, nothing is recorded. */
  readonly log: RelayLog | undefined;
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Stands between a client on our standard streams and a server that it starts: the streams, their ends, signals and standard
 * error are handed on. Resolves when the server has ended and the log is closed.
 *
 * @throws what the start of the process throws, e.g. ENOENT.
 */
export async function relayStdio(relay: StdioRelay): Promise<ServerEnd> {
  const { command, args, log, input, output } = relay;
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
  await started(child);
  const toServer = new OrderedWriter(child.stdin, input);
  const toClient = new OrderedWriter(output, child.stdout);
  const answerServer = (answer: object) =>
    toServer.write(Promise.resolve(Buffer.from(`${JSON.stringify(answer)}\n`)), 0);
  const client = new RelayedClient({ _serverParams: { command, args } }, log?.recorder, answerServer);
  const { fromClient, fromServer } = passage(client, toServer, toClient);
  let isLeft = false;
  let ending: NodeJS.Signals | undefined;

  const stopSignals = onSignals((signal) => {
    isLeft = true;
    ending = signal;
    child.kill(signal);
  });
  const clientEnd = eachPiece(input, fromClient).then(async () => {
    isLeft = true;
    client.questions?.end();
    await toServer.settled;
    child.stdin.end();
  });
  // A server that reads no more may still answer; that it reads no more, a client is told by nothing but its end.
  child.stdin.on('error', () => undefined);
  // A client that reads no more is known to the server by the end of its output, as it would be without us.
  output.on('error', () => child.stdout.destroy());
  void clientEnd;

  const serverEnd = eachPiece(child.stdout, fromServer);
  const end = await ended(child);
  await serverEnd;
  await toClient.settled;
  await client.end(isLeft ? undefined : 'the server process ended');
  await log?.close(whyOf(ending ?? end.signal, isLeft));
  stopSignals();
  input.destroy();
  return end;
}

/** Takes what the two sides say through capture, and gives it to the other. */
function passage(client: RelayedClient, toServer: OrderedWriter, toClient: OrderedWriter) {
  const tell = (text: string): void => toClient.write(Promise.resolve(Buffer.from(`${text}\n`)), 0);
  client.questions = new OwnQuestions((message) => tell(JSON.stringify(message)));
  const late = ({ bytes, answer }: Outgoing): void => {
    if (bytes !== undefined) toServer.write(Promise.resolve(bytes), bytes.length);
    if (answer !== undefined) tell(answer);
  };
  const exchange = new Exchange(client, late);

  const fromClient = (piece: Piece): void => {
    if (piece.kind === 'part') return toServer.write(exchange.partFromClient(piece), piece.bytes.length);
    const passing = exchange.fromClient(piece.bytes);
    toServer.write(
      passing.then(({ bytes }) => bytes),
      piece.bytes.length,
    );
    void passing.then(({ answer }) => {
      if (answer !== undefined) tell(answer);
    });
  };
  const fromServer = (piece: Piece): void => {
    const passing = piece.kind === 'part' ? exchange.partFromServer(piece) : exchange.fromServer(piece.bytes);
    toClient.write(passing, piece.bytes.length);
  };
  return { fromClient, fromServer };
}

/** A server that dies of a signal ends the relay by the same one. */
function whyOf(signal: NodeJS.Signals | null, isLeft: boolean): Ending {
  if (signal !== null) return { ended_by: 'signal', signal };
  return { ended_by: isLeft ? 'client_closed' : 'server_exit' };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

/** `close` comes after `exit`, when all that the server wrote has been read. */
function ended(child: ChildProcess): Promise<ServerEnd> {
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
}

/** Where a relay listens, and whose place it takes. */
interface HttpRelay {
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
interface HttpServerRelay {
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
