import { renameSync } from 'node:fs';
import { after } from '../../internal/duration.js';
import { causeOf } from '../gap.js';
import { LockLostError, type LogLock } from './lock.js';
import { LogFile, type Interference } from './logFile.js';
import type { Notices } from './notice.js';
import type { Access } from './open.js';
import { accessOfNewest, moveAside, tidy, type RotationOptions } from './segments.js';

const LF = 0x0a;
const NOTHING = new Uint8Array();
/** After a failed rotation the log goes on in the file it has for so long, in ms, before it tries again. */
const ROTATION_RETRY_MS = 1_000;

/** Whoever keeps books over the lines of a log: every call comes in the order of the lines. */
export interface LineLogHooks<Announced = unknown> {
  /** A file is open and holds this many bytes of whole lines: at start-up, after a rotation, after somebody changed it. */
  onOpen?(existing: { readonly path: string; readonly size: number }): void;
  /**
   * These lines, without their line feeds, are about to be written: `onLines` or `onFailed` follows, and is given what this
   * returns. The bytes are valid during the call only.
   */
  beforeLines?(lines: readonly Uint8Array[]): Announced;
  /** What was written is about to be brought to the disk: waited for with it. It must not reject. */
  onSync?(): Promise<void>;
  /** The same where there is no event loop. */
  onSyncNow?(): void;
  /** These lines are in the log (on the disk already, where it syncs always). The bytes are valid during the call only. */
  onLines?(lines: readonly Uint8Array[], announced: Announced): void;
  /** Lines that were about to be written are not in the log. */
  onFailed?(announced: Announced): void;
  /** The file that was being written is `segment` now; a new one follows. */
  onRotate?(segment: string): void;
  /** The last line is written; the file is about to be closed. */
  beforeClose?(): void | Promise<void>;
  /** The log is another writer's now, and so are the books: the file is about to be closed, and nothing may be written. */
  onLost?(): void | Promise<void>;
}

/** Lines that are in the file, and who is to be told. */
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

/** An append-only log of lines at one path, cut into parts as told, which notices what others do to its file. */
export class LineLog {
  /** May be changed before the first line. */
  fsync: 'always' | 'batch' | 'never';
  #file: LogFile;
  #hooks: LineLogHooks = {};
  /** What the hooks are still to be told, because lines that came before it wait for the disk. */
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

  /** Attaches the one who keeps books; `onOpen` is called at once. */
  attach(hooks: LineLogHooks): void {
    this.#hooks = hooks;
    this.#opened();
  }

  /**
   * Adds whole lines (each with its line feed), all or none. Returns a promise where the log syncs always: it resolves when
   * they are on the disk; if it rejects, they are not in the log.
   *
   * @throws LockLostError when the log is another writer's now.
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

  /** Resolves when all that was added is on the disk; rejects once for whatever a sync has failed for. */
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

  /** Looks at once whether somebody has renamed, deleted, truncated or written to the file. */
  check(): void {
    const found = this.#inspect();
    // Before a file is made or changed: the folder may have been made anew by another writer.
    this.lock.verify();
    if (found === 'none') return;
    if (found === 'changed') return this.#opened();
    // What was written since the last look may have been written after the deletion; what was there before, somebody took away.
    const rescued = found === 'deleted' ? this.#file.unseen() : NOTHING;
    this.#replace();
    this.#opened();
    if (rescued.length > 0) this.#writeAgain(rescued);
  }

  /** Finishes the file and begins a new one. When that fails, the log goes on in the file it has. */
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
      // A file that was renamed is left where it is: nothing more is to be written.
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
   * Resolves when all that was added is on the disk. If it is not, that is told here, and still to whoever added it.
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

  /** A new file is readable to those whom an administrator let read the one before it. */
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

  /** Tells the hooks once `done` resolves or rejects, but never before what came earlier. */
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

  /** Leaves the current file, which may have another name by now, for a new one under the path. */
  #replace(): void {
    const old = this.#file;
    this.#file = this.#open(old.access);
    this.#chore(old.close(this.fsync !== 'never').catch((error: unknown) => void (this.#unsafe ??= error)));
  }

  /** Puts the lines of a deleted file into the one that took its place: they were acknowledged. */
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
    // What is to be durable must not go into a file that somebody has deleted.
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

  /** Writes whole lines; what is returned is told to the hooks by {@link #added} or {@link #failed}. */
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

  /** Work in the background that a flush waits for. It must not reject. */
  #chore(work: Promise<void>): void {
    this.#chores.add(work);
    void work.finally(() => this.#chores.delete(work));
  }
}

/** The lines in a run of bytes, without their line feeds; nothing is copied. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(LF, from);
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}
