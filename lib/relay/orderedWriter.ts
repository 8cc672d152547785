import type { Writable } from 'node:stream';

/** The source rests while more than this waits to be written. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** Where what is written comes from. */
interface Source {
  pause(): unknown;
  resume(): unknown;
}

/**
 * Writes in the order in which places were taken, whatever becomes ready first: an answer waits for its record, and what came after it
 * must not overtake it. Its sources rest while the target takes no more, so that neither side's memory becomes ours.
 */
export class OrderedWriter<T = Buffer> {
  readonly #sources: Set<Source>;
  readonly #target: Writable;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isResting = false;

  constructor(target: Writable, ...sources: readonly Source[]) {
    this.#sources = new Set(sources);
    this.#target = target;
    target.on('drain', () => this.#balance());
    // What nobody takes any more is read to its end, which is to be seen.
    target.on('close', () => this.#balance());
  }

  /** Takes the next place for something that may not be ready yet; undefined leaves it empty. */
  write(content: Promise<T | undefined>, size: number): void {
    this.#waiting += size;
    this.#balance();
    this.#last = this.#last
      .then(() => content)
      .then((ready) => {
        this.#waiting -= size;
        if (ready !== undefined && this.#target.writable) this.#target.write(ready);
        this.#balance();
      });
  }

  /** Takes the next place for all pieces of something that is too long to be held. Resolves when they are written. */
  writeAll(pieces: AsyncIterable<T>): Promise<void> {
    this.#last = this.#last.then(async () => {
      for await (const piece of pieces)
        if (this.#target.writable && !this.#target.write(piece)) await drained(this.#target);
    });
    return this.#last;
  }

  /** Resolves when all that has a place by now is written. */
  get settled(): Promise<void> {
    return this.#last;
  }

  #balance(): void {
    const rests = this.#waiting > HIGH_WATER_BYTES || this.#target.writableNeedDrain;
    if (rests === this.#isResting) return;
    this.#isResting = rests;
    for (const source of this.#sources)
      if (rests) source.pause();
      else source.resume();
  }
}

function drained(target: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      target.off('drain', go).off('close', go);
      resolve();
    };
    target.on('drain', go).on('close', go);
  });
}

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
