import { readFileSync } from 'node:fs';
import { IntegrityError } from '../../errors.js';
import { bootId } from '../../internal/bootId.js';
import { replaceFile } from '../storage/store.js';
import { leafHash, type Hash } from '../tlog/merkle.js';
import { type IntegrityLayout } from '../storage/layout.js';
import { type NoteSigner } from './keys.js';
import { reasonOf } from './anchors.js';
import { readTailMacs, START, tailMacOf, TailMacs, type TreePlace, type TailMac } from './tailMacs.js';

/** Lines that are about to be written to a log. */
export interface Announcement {
  /** The leaf hash of each. */
  readonly leaves: readonly Hash[];
  /** The lines could not be written, and will not be: what was announced after them stands elsewhere. */
  withdraw(): void;
}

/** Tells of one line after the other whether the last writer of the log wrote it there. */
export type LineCheck = (place: TreePlace, leaf: Hash) => boolean;

/**
 * The lines of a log that no checkpoint covers yet. Where the key of the log is at hand, a MAC by a key that follows from it is
 * written down for each line before the line is written. It covers the line, the line before it and its index. After a
 * crash, a line behind the last checkpoint is part of the log only if its MAC is here: who can write the folder and has no
 * key cannot have anything signed that the writer did not write, and where it wrote it. What fails here keeps no line from
 * being written.
 */
export class AnnouncedLines {
  readonly #mac: TailMac | undefined;
  readonly #path: string;
  readonly #onError: (cause: unknown) => void;
  #macs: TailMacs | undefined;
  /** MACs of the lines that a {@link LineCheck} has found in order. */
  #kept: string[] = [];
  /** Behind the last line that was appended. */
  #end = START;
  /** Behind the last line that was announced. */
  #announcedEnd = START;
  /** What was announced and is neither appended nor withdrawn, in order, each with its place. */
  readonly #open = new Map<Announcement, TreePlace>();

  constructor({ tail }: IntegrityLayout, signer: NoteSigner, onError: (error: Error) => void) {
    const key = signer.deriveKey?.('unsealed lines');
    this.#mac = key && tailMacOf(key);
    this.#path = tail;
    this.#onError = (cause) => {
      const message = `nothing vouches for lines until their checkpoint (${reasonOf(cause)})`;
      onError(new IntegrityError(message, { cause }));
    };
  }

  /** By what the last writer left; nothing where there is no key. */
  checker(): LineCheck | undefined {
    const macOf = this.#mac;
    if (macOf === undefined) return undefined;
    const known = readTailMacs(this.#path);
    const kept: string[] = (this.#kept = []);
    return (place, leaf) => {
      const mac = macOf(place, [leaf]);
      if (known.has(mac)) kept.push(mac);
      return known.has(mac);
    };
  }

  /**
   * Whether the machine has started anew since the last writer of the log began. Then the end of the log may be lines that reached
   * the disk before a power cut and whose MACs did not. False where that cannot be told.
   */
  isOfEarlierBoot(): boolean {
    try {
      return readFileSync(this.#bootPath, 'utf8') !== bootId();
    } catch {
      return false;
    }
  }

  /** Continues the log at a place. MACs of the last writer are kept if their lines are there. */
  async start(place: TreePlace): Promise<void> {
    this.#end = this.#announcedEnd = place;
    if (this.#mac !== undefined) {
      this.#macs = await TailMacs.open(this.#path, this.#kept);
      if (bootId() !== '') await replaceFile(this.#bootPath, bootId());
    }
    this.#kept = [];
  }

  get #bootPath(): string {
    return `${this.#path}.boot`;
  }

  announce(lines: Iterable<Uint8Array>): Announcement {
    const leaves: Hash[] = [];
    for (const line of lines) leaves.push(leafHash(line));
    const announcement = { leaves, withdraw: () => this.#withdraw(announcement) };
    this.#open.set(announcement, this.#announcedEnd);
    this.#announcedEnd = this.#add(leaves, this.#announcedEnd);
    return announcement;
  }

  /** Lines were appended. Those that were not announced, or at another place, are written down late: better than never. */
  appended(leaves: readonly Hash[], announcement?: Announcement): void {
    const place = announcement && this.#open.get(announcement);
    if (announcement !== undefined) this.#open.delete(announcement);
    const inPlace = place !== undefined && isSame(place, this.#end);
    this.#end = inPlace ? behind(this.#end, leaves) : this.#add(leaves, this.#end);
    if (!inPlace) this.#placeAgain();
  }

  async sync(): Promise<void> {
    await this.#macs?.sync().catch(this.#onError);
  }

  syncNow(): void {
    try {
      this.#macs?.syncNow();
    } catch (error) {
      this.#onError(error);
    }
  }

  begin(): void {
    this.#macs?.begin();
  }

  end(): void {
    this.#macs?.end();
  }

  async close(): Promise<void> {
    await this.#macs?.close();
    this.#macs = undefined;
  }

  #withdraw(announcement: Announcement): void {
    if (this.#open.delete(announcement)) this.#placeAgain();
  }

  #placeAgain(): void {
    let at = this.#end;
    for (const [announcement, place] of this.#open) {
      const { leaves } = announcement;
      if (isSame(place, at)) {
        at = behind(at, leaves);
        continue;
      }
      this.#open.set(announcement, at);
      at = this.#add(leaves, at);
    }
    this.#announcedEnd = at;
  }

  /** Writes down that lines stand at a place; returns the one behind them. */
  #add(leaves: readonly Hash[], from: TreePlace): TreePlace {
    const macs = this.#mac?.(from, leaves) ?? '';
    try {
      if (macs !== '') this.#macs?.add(macs);
    } catch (error) {
      this.#onError(error);
    }
    return behind(from, leaves);
  }
}

const behind = ({ size, last }: TreePlace, leaves: readonly Hash[]): TreePlace => ({
  size: size + leaves.length,
  last: leaves.at(-1) ?? last,
});

const isSame = (one: TreePlace, other: TreePlace): boolean =>
  one.size === other.size && one.last === other.last;
