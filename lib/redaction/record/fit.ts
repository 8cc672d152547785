import { createHash } from 'node:crypto';
import type { Truncation } from '../../schema/record.js';
import { encodedSize } from './encodedSize.js';
import { moreMarker } from '../text/markers.js';
import { cutText } from '../walk/strings.js';

/** What a pruned container needs for its own marker. */
const MARKER_BYTES = 48;
/** Below this a string is not worth cutting; it is left out. */
const SHORTEST_TEXT = 64;

/** A value that is known to be plain, pruned to so many bytes of JSON, and what it measured before. */
export interface Pruned {
  readonly value: unknown;
  readonly sizes: Omit<Truncation, 'path'>;
}

/** Bytes of a redacted value on a line of JSON. */
export function sizeOf(value: unknown): number {
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined ? 0 : encodedSize(json);
}

/** Keeps a value's beginning, in the order of its entries, within a number of bytes. */
export function prune(value: unknown, bytes: number): Pruned {
  const json = JSON.stringify(value);
  return {
    value: new Pruner(bytes).keep(value),
    sizes: {
      original_bytes: Buffer.byteLength(json),
      sha256: createHash('sha256').update(json, 'utf8').digest('hex'),
    },
  };
}

class Pruner {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  keep(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return this.#spend(value);
    this.#left -= 2 + MARKER_BYTES;
    return Array.isArray(value) ? this.#array(value) : this.#object(value);
  }

  #spend<T>(value: T): T {
    this.#left -= sizeOf(value) + 1;
    return value;
  }

  #text(text: string): string {
    const size = sizeOf(text) + 1;
    if (size <= this.#left) return this.#spend(text);
    // Escapes can make a byte six: in proportion, what fits of the encoded text fits of the text.
    const bytes = Buffer.byteLength(text);
    const most = Math.floor((Math.max(this.#left, SHORTEST_TEXT) * bytes) / size / 2);
    return this.#spend(cutText(text, bytes, most));
  }

  get #spent(): boolean {
    return this.#left < SHORTEST_TEXT;
  }

  #array(source: readonly unknown[]): unknown[] {
    const out: unknown[] = [];
    for (const item of source) {
      if (this.#spent) {
        out.push(moreMarker(source.length - out.length));
        break;
      }
      out.push(this.keep(item));
    }
    return out;
  }

  #object(source: object): object {
    const entries = Object.entries(source);
    const kept: [string, unknown][] = [];
    for (const [key, value] of entries) {
      if (this.#spent) {
        kept.push(['…', moreMarker(entries.length - kept.length)]);
        break;
      }
      this.#left -= sizeOf(key) + 1;
      kept.push([key, this.keep(value)]);
    }
    return Object.fromEntries(kept);
  }
}
