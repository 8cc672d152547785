import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Exchange, type Outgoing } from './exchange.js';
import { eachPiece, type Piece } from './lines.js';
import type { Ending } from '../pipeline/lifecycle.js';
import type { RelayLog } from './log.js';
import { OrderedWriter } from './orderedWriter.js';
import { OwnQuestions } from './ownQuestions.js';
import { RelayedClient } from './relayedClient.js';
import { onSignals } from './signals.js';

/** How a server's process ended. */
export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server to be started, and the client that wants to speak with it. */
export interface StdioRelay {
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
