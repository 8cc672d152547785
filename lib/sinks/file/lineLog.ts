import { renameSync } from 'node:fs';
import { after } from '../../internal/duration.js';
import { causeOf } from '../sink.js';
import { LockLostError, type LogLock } from './lock.js';
import { LogFile, type Interference } from './logFile.js';
import type { Notices } from './notice.js';
import type { Access } from './open.js';
import { accessOfNewest, moveAside, tidy, type RotationOptions } from './segments.js';

const LF = 0x0a;
const NOTHING = new Uint8Array();
/** How long the log stays in its file after a failed rotation, in ms, before it tries again. */
const ROTATION_RETRY_MS = 1_000;

/** Functions that follow the lines of a log, for sealing. All calls come in the order of the lines. */
export interface LineLogHooks<Announced = unknown> {
  /** A file was opened, which holds this many bytes of whole lines: at start-up, after a rotation, after somebody changed it. */
  onOpen?(existing: { readonly path: string; readonly size: number }): void;
  /**
   * These lines, without their line feeds, are about to be written. `onLines` or `onFailed` follows, and gets what this returns.
   * The bytes are valid only during the call.
   */
  beforeLines?(lines: readonly Uint8Array[]): Announced;
  /** What was written is about to be synced to the disk. The sync also waits for this promise, which must not reject. */
  onSync?(): Promise<void>;
  /** {@link onSync} where there is no event loop. */
  onSyncNow?(): void;
  /** These lines are in the log, and on the disk where `fsync` is `always`. The bytes are valid only during the call. */
  onLines?(lines: readonly Uint8Array[], announced: Announced): void;
  /** Lines that were about to be written are not in the log. */
  onFailed?(announced: Announced): void;
  /** The current file was renamed to `segment`; a new one follows. */
  onRotate?(segment: string): void;
  /** The last line is written; the file is about to be closed. */
  beforeClose?(): void | Promise<void>;
  /** Another writer has the log now: the file is about to be closed, and nothing more may be written. */
  onLost?(): void | Promise<void>;
}

/** Lines that are in the file, and the hooks that must hear of it. */
interface Written {
  readonly hooks: LineLogHooks;
  readonly lines: readonly Uint8Array[];
  readonly announced: unknown;
}

/** How a log is kept. */
export interface LineLogOptions {
  readonly path: string;
  readonly fsync: 'always' | 'batch' | 'never';
  readonly fsyncIntervalMs: number;
  readonly checkIntervalMs: number;
  readonly widerMode: 'narrow' | 'refuse';
  readonly mode: number | undefined;
  readonly rotate: RotationOptions;
  readonly notices: Notices;
}

/** An append-only log of lines at one path. It rotates its file, and notices what others do to it. */
export class LineLog {
  /** When lines are synced; may be changed before the first line. */
  fsync: 'always' | 'batch' | 'never';
  #file: LogFile;
  #hooks: LineLogHooks = {};
  /** Settles when the hooks have heard of all that happened: calls wait while earlier lines wait for the disk. */
  #untold: Promise<void> | undefined;
  #checkedAt = performance.now();
  #syncTimer: NodeJS.Timeout | undefined;
  #unsafe: unknown;
  #rotateNotBefore = 0;
  #tidying: Promise<void> = Promise.resolve();
  readonly #chores = new Set<Promise<void>>();

  /** @throws ConfigError when the file cannot be a log. */
  constructor(
    private readonly options: LineLogOptions,
    private readonly lock: LogLock,
  ) {
    this.fsync = options.fsync;
    this.#file = this.#open(accessOfNewest(options.path));
  }

  get size(): number {
    return this.#file.size;
  }

  /** Sets the hooks, and calls `onOpen` at once. */
  attach(hooks: LineLogHooks): void {
    this.#hooks = hooks;
    this.#opened();
  }

  /**
   * Adds whole lines (each with its line feed), all or none. Where `fsync` is `always`, it returns a promise, which resolves when
   * they are on the disk; if it rejects, they are not in the log.
   *
   * @throws LockLostError when another writer has the log now.
   */
  append(bytes: Uint8Array): Promise<void> | undefined {
    this.lock.ensure();
    this.#checkNowAndThen();
    if (this.#isDue(bytes.length)) this.rotate();
    const file = this.#file;
    const written = this.#write(file, bytes);
    if (this.fsync === 'always') {
      const synced = Promise.all([this.#hooks.onSync?.(), file.sync(true)]);
      return this.#tellAfter(
        synced,
        () => this.#added(written),
        () => this.#failed(written),
      );
    }
    this.#added(written);
    if (this.fsync === 'batch') this.#syncSoon();
    return undefined;
  }

  /** Resolves when all lines are on the disk; rejects if a sync has failed since the last flush. */
  async flush(): Promise<void> {
    this.check();
    await this.#drain();
  }

  /** Syncs without an event loop. */
  flushNow(): void {
    this.check();
    if (this.#file.unsynced === 0) return;
    this.#hooks.onSyncNow?.();
    this.#file.syncNow();
  }

  /** Checks now whether somebody has renamed, deleted, truncated or written to the file. */
  check(): void {
    const found = this.#inspect();
    // The lock comes before any change to a file: another writer may have made the folder anew.
    this.lock.verify();
    if (found === 'none') return;
    if (found === 'changed') return this.#opened();
    // Lines since the last check may have been written after the deletion, so they are written again. Older ones were deleted.
    const rescued = found === 'deleted' ? this.#file.unseen() : NOTHING;
    this.#replace();
    this.#opened();
    if (rescued.length > 0) this.#writeAgain(rescued);
  }

  /** Finishes the file and begins a new one. When that fails, the log goes on in the current file. */
  rotate(): void {
    const { path, notices } = this.options;
    try {
      this.check();
      const segment = moveAside(path);
      try {
        this.#replace();
      } catch (error) {
        renameSync(segment, path);
        throw error;
      }
      this.#tell(() => this.#hooks.onRotate?.(segment));
      this.#opened();
      this.#tidy();
    } catch (error) {
      if (error instanceof LockLostError) throw error;
      this.#rotateNotBefore = performance.now() + ROTATION_RETRY_MS;
      notices.add({ kind: 'rotation-failed', path, code: causeOf(error) });
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    try {
      // A renamed file stays where it is, because nothing more is written.
      if (this.#inspect() === 'deleted' && this.#file.unseen().length > 0) this.check();
      else this.lock.verify(false);
      await this.#drain();
    } finally {
      await this.#untold;
      await (this.lock.lost ? this.#hooks.onLost?.() : this.#hooks.beforeClose?.());
      await this.#file.close(true);
    }
  }

  /**
   * Resolves when all lines are on the disk, and rejects if they are not. The next flush rejects too.
   */
  async settle(): Promise<void> {
    await Promise.all(this.#chores);
    this.lock.ensure();
    if (this.#file.unsynced === 0) return;
    await this.#hooks.onSync?.();
    await this.#file.sync(false).catch((error: unknown) => {
      this.#unsafe ??= error;
      throw error;
    });
  }

  async #drain(): Promise<void> {
    await this.settle().catch(() => undefined);
    const unsafe = this.#unsafe;
    this.#unsafe = undefined;
    if (unsafe !== undefined) throw unsafe;
  }

  #inspect(): Interference {
    this.#checkedAt = performance.now();
    const found = this.#file.inspect();
    if (found === 'deleted' && this.#file.seen > 0)
      this.#unsafe ??= Object.assign(new Error('the log was deleted'), { code: 'ENOENT' });
    return found;
  }

  /** Opens a file. A new one has the readers of the file before it, whom an administrator may have chosen. */
  #open(like: Access | undefined): LogFile {
    const { path, widerMode, mode, notices } = this.options;
    return new LogFile(path, { widerMode, mode, like }, notices, this.fsync !== 'never');
  }

  #opened(): void {
    const existing = { path: this.options.path, size: this.#file.size };
    this.#tell(() => this.#hooks.onOpen?.(existing));
  }

  #tell(event: () => void): void {
    if (this.#untold === undefined) event();
    else this.#tellAfter(Promise.resolve(), event).catch((error: unknown) => void (this.#unsafe ??= error));
  }

  /** Calls a hook once `done` has settled, and after all earlier calls. */
  #tellAfter(done: Promise<unknown>, event: () => void, failed: () => void = () => undefined): Promise<void> {
    const earlier = this.#untold;
    const told = Promise.all([done, earlier]).then(event, (error: unknown) => {
      failed();
      throw error;
    });
    const settled: Promise<void> = Promise.allSettled([told, earlier]).then(() => {
      if (this.#untold === settled) this.#untold = undefined;
    });
    this.#untold = settled;
    return told;
  }

  /** Opens a new file under the path, and closes the current one, which may have another name by now. */
  #replace(): void {
    const old = this.#file;
    this.#file = this.#open(old.access);
    this.#chore(old.close(this.fsync !== 'never').catch((error: unknown) => void (this.#unsafe ??= error)));
  }

  /** Writes the lines of a deleted file into the one that takes its place, because they were acknowledged. */
  #writeAgain(lines: Uint8Array): void {
    try {
      const written = this.#write(this.#file, lines);
      if (this.fsync !== 'never') {
        this.#hooks.onSyncNow?.();
        this.#file.syncNow();
      }
      this.#tell(() => this.#added(written));
    } catch (error) {
      const { path, notices } = this.options;
      this.#unsafe ??= error;
      notices.add({ kind: 'deleted', path, bytes: lines.length, code: causeOf(error) });
    }
  }

  #checkNowAndThen(): void {
    // Durable records must not go into a deleted file, so every write checks.
    const interval = this.fsync === 'always' ? 0 : this.options.checkIntervalMs;
    if (performance.now() - this.#checkedAt >= interval) this.check();
  }

  #isDue(bytes: number): boolean {
    const { maxBytes = Infinity, maxAgeMs = Infinity } = this.options.rotate;
    const { size, age } = this.#file;
    if (size === 0 || (size + bytes <= maxBytes && maxAgeMs === Infinity)) return false;
    const due = size + bytes > maxBytes || age >= maxAgeMs;
    return due && performance.now() >= this.#rotateNotBefore;
  }

  /** Writes whole lines. {@link #added} or {@link #failed} must follow with what it returns. */
  #write(file: LogFile, bytes: Uint8Array): Written {
    const hooks = this.#hooks;
    const lines = hooks.onLines === undefined && hooks.beforeLines === undefined ? [] : linesOf(bytes);
    const written = { hooks, lines, announced: hooks.beforeLines?.(lines) };
    try {
      file.append(bytes);
    } catch (error) {
      this.#failed(written);
      throw error;
    }
    return written;
  }

  #added({ hooks, lines, announced }: Written): void {
    hooks.onLines?.(lines, announced);
  }

  #failed({ hooks, announced }: Written): void {
    hooks.onFailed?.(announced);
  }

  #syncSoon(): void {
    this.#syncTimer ??= after(this.options.fsyncIntervalMs, () => {
      this.#syncTimer = undefined;
      this.#chore(this.#sync());
    }).unref();
  }

  async #sync(): Promise<void> {
    await this.#hooks.onSync?.();
    await this.#file.sync(false).catch((error: unknown) => void (this.#unsafe ??= error));
  }

  #tidy(): void {
    const { path, rotate, notices } = this.options;
    const failed = (error: unknown) => notices.add({ kind: 'rotation-failed', path, code: causeOf(error) });
    this.#tidying = this.#tidying
      .then(() => tidy(path, rotate.compress ?? false, rotate.keep ?? Infinity))
      .catch(failed);
    this.#chore(this.#tidying);
  }

  /** Starts background work that a flush waits for. It must not reject. */
  #chore(work: Promise<void>): void {
    this.#chores.add(work);
    void work.finally(() => this.#chores.delete(work));
  }
}

/** The lines in some bytes, without their line feeds. Nothing is copied. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(LF, from);
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}
