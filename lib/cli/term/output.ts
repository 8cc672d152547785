import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { CommandIo } from '../command.js';
import { inputFailure, systemReason } from '../failure.js';

const BATCH_BYTES = 1 << 18;

/** Where a command writes its result: many small pieces, few writes, and a way to wait until the reader keeps up. */
export class Output {
  readonly #stream: Writable;
  readonly #file: boolean;
  readonly #path: string | undefined;
  #buffer = Buffer.allocUnsafe(BATCH_BYTES);
  #used = 0;
  #failure: unknown;

  private constructor(stream: Writable, path?: string) {
    this.#stream = stream;
    this.#path = path;
    this.#file = path !== undefined;
    if (this.#file) stream.on('error', (error) => (this.#failure ??= error));
  }

  /** The file that is named (new or written over, readable by its owner alone), else stdout. */
  static async to(path: string | undefined, io: CommandIo): Promise<Output> {
    if (path === undefined || path === '-') return new Output(io.stdout);
    try {
      const handle = await open(path, 'w', 0o600);
      return new Output(createWriteStream(path, { fd: handle }), path);
    } catch (error) {
      throw inputFailure(`${path}: cannot be written: ${systemReason(error) ?? 'unknown reason'}`, error);
    }
  }

  /** Takes a copy of bytes. */
  bytes(data: Uint8Array): void {
    if (data.length > BATCH_BYTES - this.#used) this.#send();
    if (data.length > BATCH_BYTES) {
      this.#stream.write(Buffer.from(data));
      return;
    }
    this.#buffer.set(data, this.#used);
    this.#used += data.length;
  }

  /** Takes the bytes of a line and ends it. */
  line(data: Buffer, start: number, end: number): void {
    if (end - start + 1 > BATCH_BYTES)
      this.bytes(Buffer.concat([data.subarray(start, end), Buffer.from('\n')]));
    else {
      if (end - start + 1 > BATCH_BYTES - this.#used) this.#send();
      this.#used += data.copy(this.#buffer, this.#used, start, end);
      this.#buffer[this.#used++] = 0x0a;
    }
  }

  /** Takes text. */
  text(text: string): void {
    this.bytes(Buffer.from(text));
  }

  /** Resolves when the reader has kept up. */
  async settle(): Promise<void> {
    this.#send();
    if (this.#stream.writableNeedDrain && this.#failure === undefined) await once(this.#stream, 'drain');
    this.#check();
  }

  /** Writes out the rest; closes a file. */
  async end(): Promise<void> {
    this.#send();
    if (this.#file) {
      this.#stream.end();
      await finished(this.#stream).catch((error: unknown) => (this.#failure ??= error));
    } else if (this.#stream.writableNeedDrain) await once(this.#stream, 'drain');
    this.#check();
  }

  #send(): void {
    if (this.#used === 0) return;
    this.#stream.write(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(BATCH_BYTES);
    this.#used = 0;
  }

  #check(): void {
    if (this.#failure === undefined) return;
    throw inputFailure(
      `${this.#path ?? 'output'}: cannot be written: ${systemReason(this.#failure) ?? 'unknown reason'}`,
      this.#failure,
    );
  }
}
