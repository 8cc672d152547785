import { ignore } from '../capture/client.js';
import { sayOnce } from '../internal/stderr.js';
import { BEFORE_DATA } from './events.js';
import { MAX_READ_BYTES, type Piece } from './lines.js';
import type { RelayedClient } from './relayedClient.js';

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
