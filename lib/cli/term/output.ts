import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { CommandIo } from '../shared/command.js';
import { inputFailure, systemReason } from '../shared/failure.js';
import { OutputGuard, realOf } from './guard.js';
import { TemporaryFile } from './temporaryFile.js';

const BATCH_BYTES = 1 << 18;

/** The output files that commands have begun and not ended. */
const begun = new WeakMap<CommandIo, Set<Output>>();

/**
 * The output of a command. It gathers many small pieces into few writes, and can wait until the reader keeps up. A file gets
 * its name when it is complete.
 */
export class Output {
  readonly #stream: Writable;
  readonly #path: string | undefined;
  readonly #guard: OutputGuard;
  readonly #temporary: TemporaryFile | undefined;
  #buffer = Buffer.allocUnsafe(BATCH_BYTES);
  #used = 0;
  #failure: unknown;

  private constructor(stream: Writable, guard: OutputGuard, path?: string, temporary?: TemporaryFile) {
    this.#stream = stream;
    this.#guard = guard;
    this.#path = path;
    this.#temporary = temporary;
    if (path !== undefined) stream.on('error', (error) => (this.#failure ??= error));
  }

  /**
   * Opens the named file (new or replaced, readable by its owner only), or stdout.
   *
   * @param inputs The paths of everything that the command reads. None of them is ever overwritten.
   * @throws {CliFailure} with exit code 2 when the output is one of the inputs, or a part of a log; with 3 when it cannot be
   * written.
   */
  static async to(path: string | undefined, inputs: readonly string[], io: CommandIo): Promise<Output> {
    const guard = await OutputGuard.over(inputs);
    if (path === undefined || path === '-') {
      guard.checkStdout(io);
      return new Output(io.stdout, guard);
    }
    guard.check(path);
    try {
      const target = realOf(resolve(path));
      // A device or a pipe is written directly: it cannot be replaced by a file.
      if (await isSpecial(target)) {
        const handle = await open(target, 'r+').catch(() => open(target, 'w'));
        return new Output(createWriteStream(path, { fd: handle }), guard, path);
      }
      const temporary = await TemporaryFile.for(target);
      const output = new Output(createWriteStream(path, { fd: temporary.handle }), guard, path, temporary);
      begun.set(io, (begun.get(io) ?? new Set()).add(output));
      return output;
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Removes the files that a command has begun and not ended, so that no incomplete file gets a name. */
  static async discardUnended(io: CommandIo): Promise<void> {
    for (const output of begun.get(io) ?? []) await output.#discard();
    begun.delete(io);
  }

  async #discard(): Promise<void> {
    if (!this.#stream.closed) {
      this.#stream.destroy();
      await once(this.#stream, 'close').catch(() => undefined);
    }
    await this.#temporary?.discard();
  }

  /** Writes bytes. They are copied. */
  bytes(data: Uint8Array): void {
    if (data.length > BATCH_BYTES - this.#used) this.#send();
    if (data.length > BATCH_BYTES) {
      this.#stream.write(Buffer.from(data));
      return;
    }
    this.#buffer.set(data, this.#used);
    this.#used += data.length;
  }

  /** Writes bytes that are the output's own from now on: they are not copied. */
  own(data: Uint8Array): void {
    this.#send();
    if (data.length > 0) this.#stream.write(data);
  }

  /** Writes the bytes of a line, and a line end. */
  line(data: Buffer, start: number, end: number): void {
    if (end - start + 1 > BATCH_BYTES)
      this.bytes(Buffer.concat([data.subarray(start, end), Buffer.from('\n')]));
    else {
      if (end - start + 1 > BATCH_BYTES - this.#used) this.#send();
      this.#used += data.copy(this.#buffer, this.#used, start, end);
      this.#buffer[this.#used++] = 0x0a;
    }
  }

  /** Writes a text. */
  text(text: string): void {
    this.bytes(Buffer.from(text));
  }

  /** Resolves when the reader has caught up. */
  async settle(): Promise<void> {
    this.#send();
    await this.#drained();
    this.#check();
  }

  /** Writes the rest. Closes a file and gives it its name. */
  async end(): Promise<void> {
    this.#send();
    if (this.#path !== undefined) {
      this.#stream.end();
      await finished(this.#stream).catch((error: unknown) => (this.#failure ??= error));
    } else await this.#drained();
    this.#check();
    if (this.#path === undefined || this.#temporary === undefined) return;
    // A link may have been put there in the meantime.
    this.#guard.check(this.#path);
    await this.#temporary.finish().catch((error: unknown) => (this.#failure ??= error));
    this.#check();
  }

  /** Waits for the stream to drain. A failure meanwhile is kept, and {@link Output.#check} throws it. */
  async #drained(): Promise<void> {
    if (!this.#stream.writableNeedDrain || this.#failure !== undefined) return;
    await once(this.#stream, 'drain').catch((error: unknown) => (this.#failure ??= error));
  }

  #send(): void {
    if (this.#used === 0) return;
    this.#stream.write(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(BATCH_BYTES);
    this.#used = 0;
  }

  #check(): void {
    if (this.#failure === undefined) return;
    throw unwritable(this.#path ?? 'standard output', this.#failure);
  }
}

/** An output cannot be written: exit code 3, with the name of the output. */
export function unwritable(path: string, error: unknown): Error {
  return inputFailure(`${path}: cannot be written: ${systemReason(error) ?? 'unknown reason'}`, error);
}

async function isSpecial(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true)
    throw Object.assign(new Error('a directory'), { code: 'EISDIR', syscall: 'open' });
  return stats !== undefined && !stats.isFile();
}
