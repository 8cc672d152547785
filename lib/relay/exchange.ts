import { ignore } from '../capture/client.js';
import { sayOnce } from '../internal/stderr.js';
import { BEFORE_DATA, MAX_READ_BYTES, type Piece } from './framing.js';
import type { RelayedClient } from './relayedClient.js';
import { AuditError, AuditUnavailableError } from '../errors.js';
import { peek } from '../internal/peek.js';
import {
  lossText,
  refusalOf,
  together,
  Envelope,
  isDrop,
  type UnansweredError,
  type Change,
  type Message,
} from './messages.js';
import { holdable } from './clientState.js';

/** So much of the beginning and of the end is looked at for the id of an answer. */
const LOOKED_AT = 4096;

const ID = String.raw`("(?:[^"\\]|\\.){0,200}"|-?\d[\d.eE+-]{0,50})`;
const VERSION = String.raw`\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?`;

/** `{"jsonrpc":"2.0","id":7,"result":…`: the two members in that order can only be those of the message itself. */
const ID_FIRST = new RegExp(`^${VERSION}"id"\\s*:\\s*${ID}\\s*,\\s*"(?:result|error)"`);
/** `{"result":…,"jsonrpc":"2.0","id":7}`, as version 1 of the SDK writes it. */
const ANSWER_FIRST = new RegExp(`^${VERSION}"(?:result|error)"`);
const ID_LAST = new RegExp(`[{,]\\s*"id"\\s*:\\s*${ID}\\s*\\}\\s*$`);

/** A message that is too long to be read, as it passes by in pieces. */
export class LongMessage {
  readonly #client: RelayedClient;
  readonly #by: 'client' | 'server';
  readonly #facts = { bytes: 0, reason: `longer than ${MAX_READ_BYTES} bytes` };
  readonly #admitted: Promise<boolean>;
  #finish: () => void = ignore;
  #head = '';

  constructor(client: RelayedClient, by: 'client' | 'server') {
    this.#client = client;
    this.#by = by;
    const over = new Promise<void>((resolve) => (this.#finish = resolve));
    this.#admitted = client.unreadable(this.#facts, by, over);
    sayOnce(
      `relay: the ${by} sent a message of more than ${MAX_READ_BYTES} bytes; such messages are passed on unread, each with a record`,
    );
  }

  /** Whether it may pass; nothing of it does before that is known. */
  get admitted(): Promise<boolean> {
    return this.#admitted;
  }

  /** All of a body, piece by piece. */
  async *all(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    let held = Buffer.alloc(0);
    for await (const bytes of body) {
      if (held.length > 0) yield* this.#one(held, false);
      held = bytes as typeof held;
    }
    yield* this.#one(held, true);
  }

  async *#one(bytes: Buffer, isLast: boolean): AsyncGenerator<Buffer, void> {
    const passed = await this.pass({ kind: 'part', bytes, isFirst: false, isLast });
    if (passed !== undefined) yield passed;
  }

  /** Gives a piece back once it may go on; undefined where it may not. */
  async pass({ bytes, isLast }: Extract<Piece, { kind: 'part' }>): Promise<Buffer | undefined> {
    this.#facts.bytes += bytes.length;
    if (this.#head.length < LOOKED_AT) this.#head += bytes.subarray(0, LOOKED_AT).toString('latin1');
    const delivered = isLast ? this.#end(bytes) : undefined;
    const isAdmitted = await this.#admitted;
    await delivered;
    return isAdmitted ? bytes : undefined;
  }

  /** Where it answers a request, that has its record before the client has the whole answer. */
  #end(bytes: Buffer): Promise<unknown> | undefined {
    this.#finish();
    if (this.#by === 'client') return undefined;
    const id = idOf(this.#head, bytes.subarray(-LOOKED_AT).toString('latin1'));
    return id === undefined ? undefined : this.#client.answerUnread(id)?.catch(ignore);
  }
}

function idOf(start: string, tail: string): unknown {
  // Over HTTP, a message may come as an event.
  const head = start.replace(BEFORE_DATA, '');
  const found = ID_FIRST.exec(head) ?? (ANSWER_FIRST.test(head) ? ID_LAST.exec(tail) : null);
  try {
    return JSON.parse(found?.[1] ?? '') as unknown;
  } catch {
    return undefined;
  }
}

/** What a client sent, on its way. */
export interface Outgoing {
  /** What goes to the server; undefined where nothing may. */
  readonly bytes: Buffer | undefined;
  /** What the client gets in the server's place, as JSON; undefined where nothing was refused. */
  readonly answer: string | undefined;
  /** The messages that it holds, but for those that were refused. */
  readonly messages: readonly Sent[];
  readonly isBatch: boolean;
}

/** A message of a client's that goes to the server. */
export interface Sent {
  readonly value: object;
  /** Whether it asks for an answer. */
  readonly isRequest: boolean;
  /** Its id as the client spelled it. */
  id(): string;
}

type Changes = Map<Message, Change>;

/** Takes messages through the capture of one client: what came in either direction, and what goes on of it. */
export class Exchange {
  readonly #client: RelayedClient;
  readonly #late: ((outgoing: Outgoing) => void) | undefined;
  #longFromClient: LongMessage | undefined;
  #longFromServer: LongMessage | undefined;

  /** @param late Takes a request that had to wait for a person, when that is over; without it, all that follows waits too. */
  constructor(client: RelayedClient, late?: (outgoing: Outgoing) => void) {
    this.#client = client;
    this.#late = late;
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
        const refusal = await this.#outgoing(envelope, message, changes);
        if (refusal !== undefined) answers.push(refusalOf(envelope.idOf(message), refusal));
      }),
    );
    const { isBatch } = envelope;
    const messages = envelope.messages
      .filter((message) => !isDrop(changes.get(message)))
      .map((message): Sent => ({
        value: message.value,
        isRequest: isRequest(message.value),
        id: () => envelope.idOf(message),
      }));
    return { bytes: envelope.close(changes), answer: together(answers, isBatch), messages, isBatch };
  }

  /**
   * A message of the server's, or a batch of them: what the client gets of it, if anything.
   *
   * @param isReplay Whether the server may say it for the second time.
   */
  async fromServer(bytes: Buffer, isReplay = false): Promise<Buffer | undefined> {
    const envelope = Envelope.open(bytes);
    if (envelope === undefined) return this.#unreadFromServer(bytes);
    const changes: Changes = new Map();
    await Promise.all(
      envelope.messages.map((message) => this.#incoming(envelope, message, { changes, isReplay })),
    );
    return envelope.close(changes);
  }

  /** Whether a message of the server's, or one of a batch, answers a request. */
  answersSome(bytes: Buffer): boolean {
    return (
      Envelope.open(bytes)?.messages.some(({ value }) => this.#client.awaits(peek(value, 'id'))) === true
    );
  }

  /** Ends those requests that have no answer. Resolves to them when that is on record. */
  async giveUp(requests: readonly Sent[], reason: UnansweredError): Promise<Sent[]> {
    const left = requests.filter(({ value }) => this.#client.awaits(peek(value, 'id')));
    await Promise.all(
      left.map(({ value }) => this.#client.unanswered(peek(value, 'id'), reason)?.catch(ignore)),
    );
    return left;
  }

  /** A message that is too long to be read, of several that may pass at once. */
  long(by: 'client' | 'server'): LongMessage {
    return new LongMessage(this.#client, by);
  }

  /** A piece of a line of the client's that is too long to be read. */
  partFromClient(piece: Extract<Piece, { kind: 'part' }>): Promise<Buffer | undefined> {
    if (piece.isFirst) this.#longFromClient = this.long('client');
    return this.#longFromClient?.pass(piece) ?? Promise.resolve(undefined);
  }

  /** A piece of a line of the server's that is too long to be read. */
  partFromServer(piece: Extract<Piece, { kind: 'part' }>): Promise<Buffer | undefined> {
    if (piece.isFirst) this.#longFromServer = this.long('server');
    return this.#longFromServer?.pass(piece) ?? Promise.resolve(undefined);
  }

  /** Resolves to why a request may not be sent, once that is decided. */
  #outgoing(envelope: Envelope, message: Message, changes: Changes): Promise<unknown> {
    const { value } = message;
    if (!isRequest(value)) {
      if (!this.#client.noteOutgoing(value)) changes.set(message, { drop: true });
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      let isSent = false;
      let isHeld = false;
      const hold = (): void => {
        if (this.#late === undefined) return;
        isHeld = true;
        changes.set(message, { drop: true });
        resolve(undefined);
      };
      const send = (meta: object): void => {
        isSent = true;
        if (isHeld) return this.#late?.(alone(envelope, message, meta));
        if (Object.keys(meta).length > 0) changes.set(message, { meta });
        resolve(undefined);
      };
      const refuse = (reason: unknown): void => {
        if (isSent) return;
        changes.set(message, { drop: true });
        // Who has taken a request back waits for no answer.
        const refusal = peek(reason, 'name') === 'AbortError' ? undefined : reason;
        if (isHeld && refusal !== undefined)
          this.#late?.({ ...UNREAD, bytes: undefined, answer: refusalOf(envelope.idOf(message), refusal) });
        resolve(refusal);
      };
      const text = () => envelope.textOf(message);
      holdable(hold, () => this.#client.request(value, send, text)).catch(refuse);
    });
  }

  async #incoming(
    envelope: Envelope,
    message: Message,
    { changes, isReplay }: { readonly changes: Changes; readonly isReplay: boolean },
  ): Promise<void> {
    const { value } = message;
    if (isRequest(value)) {
      if (!(await this.#client.question(value, isReplay))) changes.set(message, { drop: true });
    } else if (peek(value, 'method') !== undefined) this.#client.noteIncoming(value);
    else {
      const lost = await lossOf(this.#client.answer(value));
      if (lost !== undefined)
        changes.set(message, { text: lossText(envelope.idOf(message), lost, envelope.textOf(message)) });
    }
  }

  async #unreadFromClient(bytes: Buffer): Promise<Outgoing> {
    if (isBlank(bytes)) return { ...UNREAD, bytes };
    tellUnreadable('client');
    if (await this.#client.unreadable(factsOf(bytes), 'client')) return { ...UNREAD, bytes };
    const refusal = new AuditUnavailableError('a message that cannot be read was not sent');
    return { ...UNREAD, bytes: undefined, answer: refusalOf('null', refusal) };
  }

  async #unreadFromServer(bytes: Buffer): Promise<Buffer | undefined> {
    if (isBlank(bytes)) return bytes;
    tellUnreadable('server');
    return (await this.#client.unreadable(factsOf(bytes), 'server')) ? bytes : undefined;
  }
}

/** A message by itself, as what was said before and after it has gone on. */
function alone(envelope: Envelope, message: Message, meta: object): Outgoing {
  const changed = Envelope.open(Buffer.from(envelope.textOf(message)));
  const [only] = changed?.messages ?? [];
  const changes: Changes = new Map();
  if (only !== undefined && Object.keys(meta).length > 0) changes.set(only, { meta });
  const bytes = changed?.close(changes);
  return {
    bytes: bytes && Buffer.concat([bytes, Buffer.from('\n')]),
    answer: undefined,
    messages: [{ value: message.value, isRequest: true, id: () => envelope.idOf(message) }],
    isBatch: false,
  };
}

function isRequest(message: object): boolean {
  return peek(message, 'method') !== undefined && peek(message, 'id') !== undefined;
}

const UNREAD = { answer: undefined, messages: [], isBatch: false } as const;

/** White space alone is no message. */
export function isBlank(bytes: Buffer): boolean {
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
