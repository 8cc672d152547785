import { createHash } from 'node:crypto';
import type { Truncation } from '../schema/record.js';
import { Marker, moreMarker } from './text/replacement.js';
import { cutText } from './walk/strings.js';

/** Bytes of the marker at the end of a pruned container. */
const MARKER_BYTES = 48;
/** If fewer bytes are left, an entry is left out instead of cut. */
const SHORTEST_TEXT = 64;

/** A value pruned to a number of bytes of JSON, and its size and hash before. */
export interface Pruned {
  readonly value: unknown;
  readonly sizes: Omit<Truncation, 'path'>;
}

/** The bytes of a redacted value on a line of JSON. */
export function sizeOf(value: unknown): number {
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined ? 0 : encodedSize(json);
}

/** Keeps the beginning of a redacted value within a number of bytes. */
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
    // An escaped character takes six bytes. The text is cut in the proportion in which its encoding has to shrink.
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

type Fields = Record<string, unknown>;

/** Bytes for what the pipeline adds later: `"seq":9007199254740991,`, `"log_id":"…","log_epoch":…` and the line feed. */
const RESERVED_BYTES = 144;
/** The most bytes of an entry of `truncated`. */
const ENTRY_BYTES = 200;
/** Bytes kept of each text if the texts alone fill the record. */
const CROWDED_BYTES = 96;
/** Entries of `truncated` kept in that case. */
const CROWDED_CUTS = 4;

/** A field of a record with a free value. */
interface Slot {
  readonly owner: Fields;
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

const SLOTS = ['data', 'error', 'policy_tags', 'authority', 'actor_chain'];
const MCP_SLOTS = [
  'tool_arguments',
  'prompt_arguments',
  'tool_result',
  'client_capabilities',
  'server_capabilities',
  'legs',
  'meta',
  'extensions',
  'oauth',
  'http_headers',
  'tool_annotations',
  'roots',
];

/** Cuts the free values of a redacted record, the largest first, until its line fits. */
export function fitRecord(record: Fields, totalBytes: number): Fields {
  const most = totalBytes - RESERVED_BYTES;
  let size = sizeOf(record);
  if (size <= most) return record;
  const slots = slotsOf(record);
  const free = slots.reduce((sum, slot) => sum + slot.size, 0);
  if (size - free > most / 2) {
    shorten(record);
    size = sizeOf(record);
  }
  const truncated = [...((record['truncated'] as readonly Truncation[] | undefined) ?? [])];
  let left = most - (size - free) - slots.length * ENTRY_BYTES;
  slots.forEach((slot, index) => {
    const share = Math.floor(left / (slots.length - index));
    left -= slot.size <= share ? slot.size : pruneSlot(slot, share, truncated);
  });
  return { ...record, truncated };
}

/** The free values, smallest first, so that what a small one leaves of its share goes to the larger ones. */
function slotsOf(record: Fields): Slot[] {
  const mcp = (record['mcp'] ?? {}) as Fields;
  const slots = [
    ...SLOTS.map((name) => ({ owner: record, name, path: name })),
    ...MCP_SLOTS.map((name) => ({ owner: mcp, name, path: `mcp.${name}` })),
  ];
  return slots
    .filter(({ owner, name }) => owner[name] !== undefined)
    .map((slot) => ({ ...slot, size: sizeOf(slot.owner[slot.name]) }))
    .sort((a, b) => a.size - b.size);
}

function pruneSlot({ owner, name, path }: Slot, bytes: number, truncated: Truncation[]): number {
  const { value, sizes } = prune(owner[name], bytes);
  const size = sizeOf(value);
  owner[name] = size <= bytes ? value : Marker.full;
  truncated.push({ path, ...sizes });
  return size <= bytes ? size : sizeOf(Marker.full);
}

/** Cuts every text to its beginning, for a record that names and messages alone would fill. */
function shorten(record: Fields): void {
  for (const fields of [record, (record['mcp'] ?? {}) as Fields]) {
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value !== 'string' || sizeOf(value) <= CROWDED_BYTES * 2) continue;
      fields[name] = cutText(value, Buffer.byteLength(value), CROWDED_BYTES / 3);
    }
  }
  const cuts = record['truncated'];
  if (Array.isArray(cuts)) record['truncated'] = cuts.slice(0, CROWDED_CUTS);
}

/**
 * The most bytes that a JSON text takes in UTF-8 once a codec has escaped what is dangerous on a line, each with six bytes: control
 * characters (C0, DEL, C1), separators (U+2028, U+2029), bidirectional and other invisible controls.
 */
export function encodedSize(json: string): number {
  let bytes = 0;
  for (let index = 0; index < json.length; index++) bytes += unitSize(json.charCodeAt(index));
  return bytes;
}

function unitSize(code: number): number {
  if (code < 0x80) return code < 0x20 || code === 0x7f ? 6 : 1;
  if (code < 0x800) return code < 0xa0 || code === 0xad || code === 0x61c ? 6 : 2;
  // Half of a pair: two bytes of four in UTF-8, or six if a codec escapes both halves (U+E0001 and the like).
  if (code >= 0xd800 && code <= 0xdfff) return 6;
  const escaped =
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code >= 0xfeff;
  return escaped ? 6 : 3;
}
