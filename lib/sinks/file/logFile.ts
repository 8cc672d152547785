import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { causeOf } from '../sink.js';
import type { Notices } from './notice.js';
import {
  accessOf,
  openLog,
  syncFolder,
  readRange,
  repairTail,
  writeAll,
  type Access,
  type FileAccess,
} from './open.js';

const fdatasyncAsync = promisify(fdatasync);

/** What somebody else has done to a file. */
export type Interference = 'none' | 'renamed' | 'deleted' | 'changed';

/** One open file of whole lines: a failed write leaves no part of a line behind, and a failed sync is never forgotten. */
export class LogFile {
  readonly fd: number;
  /** How old the file was when it was opened, in ms, and when that was. */
  readonly #opened: { readonly age: number; readonly wall: number; readonly monotonic: number };
  #size: number;
  /** How many bytes are known to be on the disk. */
  #durable: number;
  #seen: number;
  /** Set while the file may end with part of a line that could not be taken back. */
  #torn = false;
  #failedSyncs = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @throws ConfigError when the file cannot be a log. */
  constructor(
    readonly path: string,
    access: FileAccess,
    private readonly notices: Notices,
    syncName: boolean,
  ) {
    const { fd, stats, narrowedFrom } = openLog(path, access);
    this.fd = fd;
    try {
      if (narrowedFrom !== undefined) notices.add({ kind: 'mode-narrowed', path });
      this.#size = this.#durable = this.#seen = repairTail(fd, path, notices);
      if (stats.size === 0 && syncName) syncFolder(path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    const wall = Date.now();
    const age = stats.size === 0 ? 0 : Math.max(0, wall - stats.birthtimeMs);
    this.#opened = { age, wall, monotonic: performance.now() };
  }

  /**
   * In ms, by whichever clock says more: a wall clock that was set back must not keep a file from growing old, and the
   * monotonic clock stands still while the machine sleeps.
   */
  get age(): number {
    const { age, wall, monotonic } = this.#opened;
    return age + Math.max(Date.now() - wall, performance.now() - monotonic);
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** In bytes, from the start, known to be on the disk. */
  get durable(): number {
    return this.#durable;
  }

  /** Bytes that may not be on the disk yet. */
  get unsynced(): number {
    return this.#size - this.#durable;
  }

  /** How many bytes it held when it was last seen under its path. */
  get seen(): number {
    return this.#seen;
  }

  /** Who may read the file, as it is now. */
  get access(): Access {
    return accessOf(fstatSync(this.fd));
  }

  /** What has been written since the file was last seen under its path: a deleted file can be read as long as it is open. */
  unseen(): Buffer {
    return readRange(this.fd, this.#seen, this.#size);
  }

  /** Writes whole lines at the end, all of them or (with an exception) none. */
  append(bytes: Uint8Array): void {
    if (this.#torn) this.#takeBack();
    if (this.#torn)
      throw Object.assign(new Error('the log ends with part of a line that cannot be removed'), {
        code: 'EIO',
      });
    try {
      writeAll(this.fd, bytes);
      this.#size += bytes.length;
    } catch (error) {
      this.#torn = true;
      this.#takeBack();
      throw error;
    }
  }

  /**
   * Resolves when all that has been appended is on the disk. Callers that come while a sync runs share the next one.
   *
   * After a failed fdatasync the kernel may call the lost pages clean, so that a second one would succeed without having
   * written them (https://wiki.postgresql.org/wiki/Fsync_Errors): what the failed one covered is never called durable.
   *
   * @param rollBack - whether what could not be synced is taken off the file, because its callers are told that it failed.
   */
  async sync(rollBack: boolean): Promise<void> {
    const failedBefore = this.#failedSyncs;
    const start = () => (this.#running = this.#sync(rollBack).finally(() => (this.#running = undefined)));
    if (this.#running === undefined) await start();
    else {
      this.#next ??= this.#running
        .catch(() => undefined)
        .then(() => {
          this.#next = undefined;
          return start();
        });
      await this.#next;
    }
    if (this.#failedSyncs !== failedBefore)
      throw Object.assign(new Error('fdatasync failed'), { code: 'EIO' });
  }

  /** The same without an event loop. */
  syncNow(): void {
    fdatasyncSync(this.fd);
    this.#durable = this.#size;
  }

  /**
   * Compares the file with what it should be. After `renamed` and `deleted` the path leads elsewhere: this file should be
   * left.
   */
  inspect(): Interference {
    const { path, notices } = this;
    const there = statSync(path, { throwIfNoEntry: false });
    const ours = fstatSync(this.fd);
    if (there?.ino !== ours.ino || there.dev !== ours.dev) {
      const gone = ours.nlink === 0;
      notices.add(gone ? { kind: 'deleted', path, bytes: this.#seen } : { kind: 'renamed', path });
      return gone ? 'deleted' : 'renamed';
    }
    if (ours.size === this.#size || this.#torn) {
      this.#seen = Math.min(this.#size, ours.size);
      return 'none';
    }
    const change = ours.size - this.#size;
    notices.add({ kind: change < 0 ? 'truncated' : 'foreign-bytes', path, bytes: Math.abs(change) });
    this.#size = repairTail(this.fd, path, notices);
    this.#durable = Math.min(this.#durable, this.#size);
    this.#seen = this.#size;
    return 'changed';
  }

  /** Syncs (if told so) and closes, after whatever sync is still running. */
  async close(sync: boolean): Promise<void> {
    try {
      if (sync && this.unsynced > 0) await this.sync(false);
      else await this.#running;
    } finally {
      closeSync(this.fd);
    }
  }

  async #sync(rollBack: boolean): Promise<void> {
    const target = this.#size;
    try {
      await fdatasyncAsync(this.fd);
      this.#durable = Math.max(this.#durable, target);
    } catch (error) {
      this.#failedSyncs++;
      this.notices.add({ kind: 'sync-failed', path: this.path, bytes: this.unsynced, code: causeOf(error) });
      if (rollBack) this.#rollBack();
      else this.#durable = this.#size;
      throw error;
    }
  }

  #rollBack(): void {
    this.#size = this.#durable;
    this.#torn = true;
    this.#takeBack();
  }

  /** Cuts off what a failed write left; if not even that works, the next append tries again before it writes. */
  #takeBack(): void {
    try {
      // Never longer than it is: somebody else may have truncated it, and a hole of zeros is no log.
      if (fstatSync(this.fd).size > this.#size) ftruncateSync(this.fd, this.#size);
      this.#torn = false;
    } catch (error) {
      this.notices.add({ kind: 'sync-failed', path: this.path, code: causeOf(error) });
    }
  }
}
