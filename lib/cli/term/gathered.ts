const FIRST_BYTES = 1 << 20;

/** Bytes that grow at their end, and are then taken as a whole, so that they can be handed to another thread. */
export class Gathered {
  #data = Buffer.from(new ArrayBuffer(FIRST_BYTES));
  #used = 0;

  bytes(data: Uint8Array): void {
    this.#makeRoom(data.byteLength);
    this.#data.set(data, this.#used);
    this.#used += data.byteLength;
  }

  /** The bytes of a line, and a line end. */
  line(data: Buffer, start: number, end: number): void {
    this.#makeRoom(end - start + 1);
    this.#used += data.copy(this.#data, this.#used, start, end);
    this.#data[this.#used++] = 0x0a;
  }

  text(text: string): void {
    // A UTF-16 code unit takes three bytes of UTF-8 at most.
    this.#makeRoom(text.length * 3);
    this.#used += this.#data.write(text, this.#used);
  }

  /** The bytes, which are the caller's from now on. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#used === 0) return new Uint8Array();
    const taken = this.#data.subarray(0, this.#used);
    this.#data = Buffer.from(new ArrayBuffer(Math.max(FIRST_BYTES, this.#used)));
    this.#used = 0;
    return taken;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#data.byteLength) return;
    const grown = Buffer.from(new ArrayBuffer(2 * (this.#used + bytes)));
    grown.set(this.#data.subarray(0, this.#used));
    this.#data = grown;
  }
}
