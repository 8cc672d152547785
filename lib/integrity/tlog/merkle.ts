import * as crypto from 'node:crypto';
import { leafData } from './leafData.js';
import { IntegrityError } from '../../errors.js';

/**
 * A SHA-256 digest as a string of 32 characters, one per byte (latin1). A string because it is immutable, compares with
 * `===`, and comes out of the digest at a third of the cost of a `Buffer`.
 */
export type Hash = string;

/** Length of a SHA-256 digest, in bytes. */
export const HASH_BYTES = 32;

/** The one-shot form spares an object per hash; it came with Node 20.12. */
const sha256: (data: Uint8Array) => Hash =
  typeof crypto.hash === 'function'
    ? (data) => crypto.hash('sha256', data, 'binary')
    : (data) => crypto.createHash('sha256').update(data).digest('binary');

/** Longer lines than this are hashed in a buffer of their own, so that one huge line does not keep its memory. */
const SCRATCH_BYTES = 1 << 18;
const scratch = Buffer.alloc(SCRATCH_BYTES);
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** RFC 6962 section 2.1: the root of the tree without leaves, SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = sha256(Buffer.alloc(0));

/**
 * RFC 6962 section 2.1: SHA-256(0x00 ‖ line). The bytes are taken as they are, without any LF; of a line whose fields can be
 * revealed one by one, its commitments stand for it.
 */
export function leafHash(line: Uint8Array): Hash {
  const data = leafData(line);
  const length = data.length + 1;
  const input = length <= SCRATCH_BYTES ? scratch : Buffer.alloc(length);
  input[0] = 0x00;
  input.set(data, 1);
  return sha256(input.subarray(0, length));
}

/**
 * Makes MACs of leaf hashes at their places in a log: SHA-256(key ‖ the leaf before ‖ leaf ‖ index, 8 bytes), at a third of the
 * cost of an HMAC. Every part has one length, always: to extend such a message, which a plain SHA-256 would allow, gives
 * nothing that is ever asked for.
 */
export function keyedHasher(key: Uint8Array): (before: Hash, leaf: Hash, index: number) => Hash {
  const input = Buffer.alloc(3 * HASH_BYTES + 8);
  input.set(key.subarray(0, HASH_BYTES));
  return (before, leaf, index) => {
    input.write(before + leaf, HASH_BYTES, 2 * HASH_BYTES, 'latin1');
    // Two halves of a safe integer: a BigInt for each line would cost as much as the rest.
    input.writeUInt32BE(Math.floor(index / 2 ** 32), 3 * HASH_BYTES);
    input.writeUInt32BE(index % 2 ** 32, 3 * HASH_BYTES + 4);
    return sha256(input);
  };
}

/** RFC 6962 section 2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  pair.write(left, 1, HASH_BYTES, 'latin1');
  pair.write(right, 1 + HASH_BYTES, HASH_BYTES, 'latin1');
  return sha256(pair);
}

/** Whether a value is a hash: exactly 32 characters, each of which stands for one byte. */
export function isHash(value: unknown): value is Hash {
  return typeof value === 'string' && value.length === HASH_BYTES && !/[^\0-\u00ff]/.test(value);
}

/** A hash in standard Base64 (RFC 4648 section 4), as C2SP formats have it. */
export function hashToBase64(hash: Hash): string {
  return Buffer.from(hash, 'latin1').toString('base64');
}

/** The hash that a line of Base64 names; nothing if it is not exactly one hash in its one canonical form. */
export function hashFromBase64(text: string): Hash | undefined {
  const bytes = fromBase64(text);
  return bytes?.length === HASH_BYTES ? bytes.toString('latin1') : undefined;
}

/** Strict Base64: Node's own decoder passes over whatever it does not know. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/**
 * The compact range of a Merkle tree (RFC 6962): one hash for each set bit of its size, largest subtree first. That is
 * all that is needed to append and to know the root.
 *
 * @example
 * ```ts
 * const tree = new CompactRange();
 * tree.append(leafHash(Buffer.from('first line')));
 * tree.root();
 * ```
 */
export class CompactRange {
  #size = 0;
  #subtrees: Hash[] = [];

  /**
   * A range as it was saved.
   *
   * @returns nothing if the number of hashes does not fit the size.
   */
  static restore(size: number, subtrees: readonly Hash[]): CompactRange | undefined {
    if (!Number.isSafeInteger(size) || size < 0 || setBits(size) !== subtrees.length) return undefined;
    const range = new CompactRange();
    range.#size = size;
    range.#subtrees = [...subtrees];
    return range;
  }

  /** How many leaves the tree has. */
  get size(): number {
    return this.#size;
  }

  /** The roots of the perfect subtrees that the leaves fall into, largest first. */
  get subtrees(): readonly Hash[] {
    return this.#subtrees;
  }

  /** One leaf more: amortised one node hash. */
  append(leaf: Hash): void {
    let node = leaf;
    // Each trailing one bit of the size is a perfect subtree that the new leaf completes to one twice as large.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      node = nodeHash(this.#subtrees.pop() as Hash, node);
    this.#subtrees.push(node);
    this.#size++;
  }

  /** The root hash at the present size. */
  root(): Hash {
    return this.#subtrees.length === 0
      ? EMPTY_ROOT
      : this.#subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

function setBits(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}

/** c2sp.org/tlog-tiles: hashes in a full tile, entries in a full bundle. */
const TILE_WIDTH = 256;
/** c2sp.org/tlog-tiles: an entry's length is a uint16. So no line of a log may be longer. */
export const MAX_LINE_BYTES = 0xffff;

/** One file of a tiled log. */
export interface TileFile {
  /** Relative to the log's prefix, with slashes: `tile/0/x001/234.p/17`. */
  readonly path: string;
  /** Its content. */
  readonly data: Buffer;
}

/** The path of a tile (`level` is a number) or an entry bundle, by its place and width. */
export function tilePath(level: number | 'entries', index: number, width = TILE_WIDTH): string {
  const groups = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(String(rest % 1000).padStart(3, '0'));
  const last = groups.pop();
  const folders = groups.map((group) => `x${group}/`).join('');
  return `tile/${level}/${folders}${last}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/**
 * Makes the tiles and entry bundles of a log (c2sp.org/tlog-tiles) while its records pass by once: memory for one tile
 * a level.
 */
export class TileWriter {
  readonly #levels: { index: number; hashes: Hash[] }[] = [];
  #entries: Buffer[] = [];
  #size = 0;

  /**
   * Takes the next record.
   *
   * @param line Its exact bytes, without LF.
   * @returns the files that it completes.
   * @throws {IntegrityError} when it is longer than {@link MAX_LINE_BYTES}.
   */
  add(line: Uint8Array, leaf: Hash): TileFile[] {
    if (line.length > MAX_LINE_BYTES)
      throw new IntegrityError(
        `record ${this.#size} has ${line.length} bytes; a tiled log takes ${MAX_LINE_BYTES} at most`,
      );
    const entry = Buffer.allocUnsafe(2 + line.length);
    entry.writeUInt16BE(line.length);
    entry.set(line, 2);
    this.#entries.push(entry);
    this.#size++;
    const files = this.#push(0, leaf);
    if (this.#entries.length === TILE_WIDTH) files.push(this.#bundle());
    return files;
  }

  /** The partial tiles and the partial bundle at the right edge. */
  finish(): TileFile[] {
    const files = this.#levels.flatMap(({ index, hashes }, level) =>
      hashes.length === 0 ? [] : [tile(level, index, hashes)],
    );
    if (this.#entries.length > 0) files.push(this.#bundle());
    return files;
  }

  #bundle(): TileFile {
    const index = Math.floor((this.#size - 1) / TILE_WIDTH);
    const file = {
      path: tilePath('entries', index, this.#entries.length),
      data: Buffer.concat(this.#entries),
    };
    this.#entries = [];
    return file;
  }

  #push(level: number, hash: Hash): TileFile[] {
    const current = (this.#levels[level] ??= { index: 0, hashes: [] });
    current.hashes.push(hash);
    if (current.hashes.length < TILE_WIDTH) return [];
    const full = current.hashes;
    const file = tile(level, current.index, full);
    this.#levels[level] = { index: current.index + 1, hashes: [] };
    return [file, ...this.#push(level + 1, rootOf(full))];
  }
}

function tile(level: number, index: number, hashes: readonly Hash[]): TileFile {
  return { path: tilePath(level, index, hashes.length), data: Buffer.from(hashes.join(''), 'latin1') };
}

function rootOf(hashes: readonly Hash[]): Hash {
  const tree = new CompactRange();
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}
