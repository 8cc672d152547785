import type { Writable } from 'node:stream';
import { OrderedWriter } from './orderedWriter.js';

/** What a client on standard streams is given: one line for each message. */
export class ClientOutput {
  readonly #writer: OrderedWriter;
  #ready: Promise<void> = Promise.resolve();

  constructor(output: Writable) {
    let goOn: () => void = () => undefined;
    this.#writer = new OrderedWriter(output, {
      pause: () => void (this.#ready = new Promise((resolve) => (goOn = resolve))),
      resume: () => goOn(),
    });
  }

  /** Resolves while the client takes what it is given. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Resolves when all that was given by now is written. */
  get settled(): Promise<void> {
    return this.#writer.settled;
  }

  /** Gives JSON that may not be ready yet; undefined gives nothing. */
  give(json: Promise<Buffer | undefined>, size: number): void {
    this.#writer.write(
      json.then((bytes) => bytes && Buffer.concat([onOneLine(bytes), FEED])),
      size,
    );
  }

  /** Gives JSON that is too long to be read. Resolves when it is written. */
  giveLong(pieces: AsyncIterable<Buffer>): Promise<void> {
    return this.#writer.writeAll(asLine(pieces));
  }
}

const FEED = Buffer.from('\n');

/** JSON may be written over several lines, where standard streams have one for each message. */
function onOneLine(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  return Buffer.from(json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}

async function* asLine(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) yield onOneLine(piece);
  yield FEED;
}
