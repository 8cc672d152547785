import { addToMeta, itemsOf, memberOf, valueIn, type Insertion, type Place } from './jsonText.js';

/** One JSON-RPC message: what it says, and where it stands in the text that it came in. */
export interface Message extends Place {
  readonly value: object;
}

/** What becomes of a message on its way: members that join `params._meta`, another text in its place, or nothing in its place. */
export type Change = { readonly meta: object } | { readonly text: string } | { readonly drop: true };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What arrived in one piece: a message, or a batch of them (JSON-RPC 2.0, section 6; revision 2025-03-26 of the protocol). */
export class Envelope {
  readonly messages: readonly Message[];
  readonly isBatch: boolean;
  readonly #bytes: Buffer;
  readonly #text: string;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = decoder.decode(bytes);
    const value: unknown = JSON.parse(this.#text);
    const place = valueIn(this.#text);
    this.isBatch = Array.isArray(value);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    const places = this.isBatch ? itemsOf(this.#text, place) : [place];
    // What is no object is no message, and the other side will say so.
    this.messages = places.flatMap(({ start, end }, index) => {
      const each = values[index];
      return typeof each === 'object' && each !== null ? [{ value: each, start, end }] : [];
    });
  }

  /** Reads what arrived; undefined where it is not JSON in UTF-8. */
  static open(bytes: Buffer): Envelope | undefined {
    try {
      return new Envelope(bytes);
    } catch {
      return undefined;
    }
  }

  /** The id of a message as its sender wrote it: 12345678901234567890 is another number once it is read. */
  idOf(message: Message): string {
    const id = memberOf(this.#text, message, 'id');
    return id === undefined ? 'null' : this.#text.slice(id.start, id.end);
  }

  /** The text of a message as its sender wrote it. */
  textOf({ start, end }: Message): string {
    return this.#text.slice(start, end);
  }

  /** The bytes to pass on: those that came, but for what is to change. Undefined where nothing is left of them. */
  close(changes: ReadonlyMap<Message, Change>): Buffer | undefined {
    if (changes.size === 0) return this.#bytes;
    const kept = this.messages.filter((message) => !isDrop(changes.get(message)));
    if (kept.length === 0) return undefined;
    if (kept.length === this.messages.length) return Buffer.from(this.#changed(changes));
    const texts = kept.map((message) => this.#apply(message, changes.get(message)));
    return Buffer.from(`[${texts.join(',')}]${this.#text.slice(valueIn(this.#text).end)}`);
  }

  /** The whole text, each message changed in its place. */
  #changed(changes: ReadonlyMap<Message, Change>): string {
    let made = '';
    let copied = 0;
    for (const message of this.messages) {
      made += this.#text.slice(copied, message.start) + this.#apply(message, changes.get(message));
      copied = message.end;
    }
    return made + this.#text.slice(copied);
  }

  #apply(message: Message, change: Change | undefined): string {
    const { start, end } = message;
    if (change === undefined || 'drop' in change) return this.#text.slice(start, end);
    if ('text' in change) return change.text;
    const { at, text }: Insertion = addToMeta(this.#text, message, change.meta);
    return this.#text.slice(start, at) + text + this.#text.slice(at, end);
  }
}

/** Whether nothing goes on in the place of a message. */
export function isDrop(change: Change | undefined): boolean {
  return change !== undefined && 'drop' in change;
}
