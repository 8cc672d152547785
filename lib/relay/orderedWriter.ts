import type { Readable, Writable } from 'node:stream';

/** The source rests while more than this waits to be written. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * Writes in the order in which places were taken, whatever becomes ready first: an answer waits for its record, and what came after it
 * must not overtake it. Its source rests while the target takes no more, so that neither side's memory becomes ours.
 */
export class OrderedWriter {
  readonly #source: Readable;
  readonly #target: Writable;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isResting = false;

  constructor(source: Readable, target: Writable) {
    this.#source = source;
    this.#target = target;
    target.on('drain', () => this.#balance());
    // What nobody takes any more is read to its end, which is to be seen.
    target.on('close', () => this.#balance());
  }

  /** Takes the next place for bytes that may not be ready yet; undefined leaves it empty. */
  write(content: Promise<Buffer | undefined>, size: number): void {
    this.#waiting += size;
    this.#balance();
    this.#last = this.#last
      .then(() => content)
      .then((bytes) => {
        this.#waiting -= size;
        if (bytes !== undefined && this.#target.writable) this.#target.write(bytes);
        this.#balance();
      });
  }

  /** Resolves when all that has a place by now is written. */
  get settled(): Promise<void> {
    return this.#last;
  }

  #balance(): void {
    const rests = this.#waiting > HIGH_WATER_BYTES || this.#target.writableNeedDrain;
    if (rests === this.#isResting) return;
    this.#isResting = rests;
    if (rests) this.#source.pause();
    else this.#source.resume();
  }
}
