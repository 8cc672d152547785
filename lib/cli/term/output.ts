import {
  fstatSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  createWriteStream,
  type Stats,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { integrityLayout } from '../../integrity/storage/files.js';
import { findSegments } from '../../integrity/storage/segments.js';
import {
  usageFailure,
  inputFailure,
  systemReason,
  type CommandIo,
  type CliFailure,
} from '../shared/command.js';
import { TemporaryFile } from './temporaryFile.js';

/** The endings that a name beside a log must not have, because the file would be taken for a part of the log. */
const SEGMENT_SUFFIX =
  /^(?:[.-]\d[\dTZ.:_-]*(?:\.gz)?|\.gz|\.lock|\.integrity|\.key|\.key\.pem|\.access\.(?:jsonl|json|key))$/;

/**
 * Keeps the output of a command away from its inputs and from everything that a log consists of: its segments, its evidence,
 * its lock, and the files of a spool. It compares files by device and inode, so that no link gets around it.
 */
export class OutputGuard {
  readonly #files = new Map<string, string>();
  readonly #logs: string[] = [];

  private constructor() {}

  /** @param inputs The paths of everything that the command reads: logs, checkpoints, proofs, keys. Some may be missing. */
  static async over(inputs: readonly string[]): Promise<OutputGuard> {
    const guard = new OutputGuard();
    for (const input of inputs) {
      guard.#logs.push(resolve(input), realOf(resolve(input)));
      guard.#add(input, 'is what the command reads');
      // The command that reads the log reports a damaged manifest.
      for (const { path } of await findSegments(input).catch(() => []))
        guard.#add(path, 'is a part of the log');
      const { folder } = integrityLayout(input);
      for (const name of namesIn(folder)) guard.#add(join(folder, name), 'is evidence of the log');
      for (const suffix of ['.lock', '.key'])
        guard.#add(`${input}${suffix}`, 'belongs to the writer of the log');
    }
    return guard;
  }

  /**
   * Refuses a path that must not be written.
   *
   * @throws {CliFailure} with exit code 2.
   */
  check(path: string): void {
    const full = resolve(path);
    for (const place of new Set([full, realOf(full)])) {
      const reason = this.#reasonByName(place);
      if (reason !== undefined) throw refused(path, reason);
    }
    const stats = statOf(full);
    const known = stats === undefined ? undefined : this.#files.get(keyOf(stats));
    if (known !== undefined) throw refused(path, known);
  }

  /**
   * Refuses a standard output that is redirected into an input, because the command would read what it writes.
   *
   * @throws {CliFailure} with exit code 2.
   */
  checkStdout({ stdout }: CommandIo): void {
    if (!('fd' in stdout) || typeof stdout.fd !== 'number') return;
    let stats: Stats;
    try {
      stats = fstatSync(stdout.fd);
    } catch {
      return;
    }
    const known = stats.isFile() ? this.#files.get(keyOf(stats)) : undefined;
    if (known !== undefined) throw refused('standard output', known);
  }

  #reasonByName(place: string): string | undefined {
    if (/\.integrity$/.test(dirname(place)) || /\.integrity[\\/]/.test(place))
      return 'lies in a folder of evidence';
    const name = basename(place);
    if (/\.spool$/.test(name) || (name === 'cursor.json' && holdsSpool(dirname(place))))
      return 'is a file of a spool';
    for (const log of this.#logs) {
      if (place === log) return 'is what the command reads';
      if (dirname(place) !== dirname(log) || !name.startsWith(basename(log))) continue;
      if (SEGMENT_SUFFIX.test(name.slice(basename(log).length)))
        return `would be taken for a part of the log ${basename(log)}`;
    }
    if (statOf(`${place}.integrity`)?.isDirectory() === true) return 'is a sealed log';
    return statOf(`${place}.lock`) === undefined ? undefined : 'is a log that is being written';
  }

  #add(path: string, why: string): void {
    const stats = statOf(path);
    if (stats !== undefined && !this.#files.has(keyOf(stats))) this.#files.set(keyOf(stats), why);
  }
}

function refused(path: string, why: string): CliFailure {
  return usageFailure(`${path}: will not be written over: it ${why}`, 'Name another file for the output.');
}

function keyOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** More links one after the other are taken for a circle (Linux has the same limit: path_resolution(7)). */
const MOST_LINKS = 40;

/** The real path that a path leads to. For a file that does not exist yet, its folder is resolved, and a link to it is followed. */
export function realOf(path: string, links = 0): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      const place = join(realpathSync(dirname(path)), basename(path));
      const leadsTo = linkAt(place);
      if (leadsTo === undefined || links === MOST_LINKS) return place;
      return realOf(resolve(dirname(place), leadsTo), links + 1);
    } catch {
      return path;
    }
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function holdsSpool(folder: string): boolean {
  return namesIn(folder).some((name) => name.endsWith('.spool'));
}

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
