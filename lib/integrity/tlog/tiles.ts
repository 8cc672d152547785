import { IntegrityError } from '../../errors.js';
import { type Hash } from './merkle.js';
import { CompactRange } from './merkle.js';

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
