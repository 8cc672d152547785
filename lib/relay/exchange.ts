import { AuditError, AuditUnavailableError, RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import { Envelope, type Change, type Message } from './envelope.js';
import type { Piece } from './lines.js';
import { LongMessage } from './longMessage.js';
import type { RelayedClient } from './relayedClient.js';

/** JSON-RPC code of a request that was not sent, of those that JSON-RPC leaves to implementations: `data.reason` says why. */
const REFUSED = -32010;

/** JSON-RPC code of a request that was answered and whose record was lost: `data.answer` is the answer. */
const RECORD_LOST = -32011;

/** What a client sent, on its way. */
export interface Outgoing {
  /** What goes to the server; undefined where nothing may. */
  readonly bytes: Buffer | undefined;
  /** What the client gets in the server's place, as JSON; undefined where nothing was refused. */
  readonly answer: string | undefined;
}

type Changes = Map<Message, Change>;

/** Takes messages through the capture of one client: what came in either direction, and what goes on of it. */
export class Exchange {
  readonly #client: RelayedClient;
  #longFromClient: LongMessage | undefined;
  #longFromServer: LongMessage | undefined;

  constructor(client: RelayedClient) {
    this.#client = client;
  }

  /** A message of the client's, or a batch of them. */
  async fromClient(bytes: Buffer): Promise<Outgoing> {
    const envelope = Envelope.open(bytes);
    if (envelope === undefined) return this.#unreadFromClient(bytes);
    const changes: Changes = new Map();
    const answers: string[] = [];
    // All of a batch at once: they wait for their intents together.
    await Promise.all(
      envelope.messages.map(async (message) => {
        const refusal = await this.#outgoing(message, changes);
        if (refusal !== undefined) answers.push(refusalOf(envelope.idOf(message), refusal));
      }),
    );
    return { bytes: envelope.close(changes), answer: together(answers, envelope.isBatch) };
  }

  /** A message of the server's, or a batch of them: what the client gets of it, if anything. */
  async fromServer(bytes: Buffer): Promise<Buffer | undefined> {
    const envelope = Envelope.open(bytes);
    if (envelope === undefined) return this.#unreadFromServer(bytes);
    const changes: Changes = new Map();
    await Promise.all(envelope.messages.map((message) => this.#incoming(envelope, message, changes)));
    return envelope.close(changes);
  }

  /** A piece of a line of the client's that is too long to be read. */
  partFromClient(piece: Extract<Piece, { kind: 'part' }>): Promise<Buffer | undefined> {
    if (piece.isFirst) this.#longFromClient = new LongMessage(this.#client, 'client');
    return this.#longFromClient?.pass(piece) ?? Promise.resolve(undefined);
  }

  /** A piece of a line of the server's that is too long to be read. */
  partFromServer(piece: Extract<Piece, { kind: 'part' }>): Promise<Buffer | undefined> {
    if (piece.isFirst) this.#longFromServer = new LongMessage(this.#client, 'server');
    return this.#longFromServer?.pass(piece) ?? Promise.resolve(undefined);
  }

  /** Resolves to why a request may not be sent, once that is decided. */
  #outgoing(message: Message, changes: Changes): Promise<unknown> {
    const { value } = message;
    if (!isRequest(value)) {
      this.#client.noteOutgoing(value);
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      let isSent = false;
      const send = (meta: object): void => {
        isSent = true;
        if (Object.keys(meta).length > 0) changes.set(message, { meta });
        resolve(undefined);
      };
      this.#client.request(value, send).catch((reason: unknown) => {
        if (isSent) return;
        changes.set(message, { drop: true });
        resolve(reason);
      });
    });
  }

  async #incoming(envelope: Envelope, message: Message, changes: Changes): Promise<void> {
    const { value } = message;
    if (isRequest(value)) {
      if (!(await this.#client.question(value))) changes.set(message, { drop: true });
    } else if (peek(value, 'method') !== undefined) this.#client.noteIncoming(value);
    else {
      const lost = await lossOf(this.#client.answer(value));
      if (lost !== undefined)
        changes.set(message, { text: lossText(envelope.idOf(message), lost, envelope.textOf(message)) });
    }
  }

  async #unreadFromClient(bytes: Buffer): Promise<Outgoing> {
    if (isBlank(bytes)) return { bytes, answer: undefined };
    tellUnreadable('client');
    if (await this.#client.unreadable(factsOf(bytes), 'client')) return { bytes, answer: undefined };
    const refusal = new AuditUnavailableError('a message that cannot be read was not sent');
    return { bytes: undefined, answer: refusalOf('null', refusal) };
  }

  async #unreadFromServer(bytes: Buffer): Promise<Buffer | undefined> {
    if (isBlank(bytes)) return bytes;
    tellUnreadable('server');
    return (await this.#client.unreadable(factsOf(bytes), 'server')) ? bytes : undefined;
  }
}

function isRequest(message: object): boolean {
  return peek(message, 'method') !== undefined && peek(message, 'id') !== undefined;
}

/** White space alone is no message. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

function factsOf(bytes: Buffer): object {
  return { bytes: bytes.length, reason: 'no JSON in UTF-8' };
}

function tellUnreadable(by: string): void {
  sayOnce(
    `relay: the ${by} sent what is no JSON in UTF-8; such lines are passed on as they are, each with a record`,
  );
}

/** The error of a record that was lost, where an answer waited for it; the server's own error is none. */
async function lossOf(delivered: Promise<unknown> | undefined): Promise<AuditError | undefined> {
  try {
    await delivered;
    return undefined;
  } catch (reason) {
    return reason instanceof AuditError ? reason : undefined;
  }
}

function together(answers: readonly string[], isBatch: boolean): string | undefined {
  if (answers.length === 0) return undefined;
  return isBatch ? `[${answers.join(',')}]` : answers[0];
}

function refusalOf(id: string, reason: unknown): string {
  const { message, ...data } = describe(reason);
  return errorText(id, REFUSED, `not sent: ${message}`, JSON.stringify(data));
}

function describe(reason: unknown): { reason: string; code?: string; message: string } {
  if (reason instanceof RefusedError)
    return { reason: reason.reason, code: reason.code, message: reason.message };
  if (reason instanceof AuditError)
    return { reason: 'audit_unavailable', code: reason.code, message: reason.message };
  return { reason: 'audit_unavailable', message: 'it cannot be put on record' };
}

/** The answer stands in it as it came, so that nobody makes a call twice because its record was lost. */
function lossText(id: string, { code, message }: AuditError, answer: string): string {
  const data = `{"reason":"record_lost","code":${JSON.stringify(code)},"answer":${answer}}`;
  return errorText(id, RECORD_LOST, `answered, and the record was lost: ${message}`, data);
}

function errorText(id: string, code: number, message: string, data: string): string {
  const text = JSON.stringify(message);
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${text},"data":${data}}}`;
}
