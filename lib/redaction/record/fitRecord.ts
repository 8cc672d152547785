import type { Truncation } from '../../schema/record.js';
import { prune, sizeOf } from './fit.js';
import { Marker } from '../text/markers.js';
import { cutText } from '../walk/strings.js';

type Fields = Record<string, unknown>;

/** What the pipeline puts into a record later, and the line's end: `"seq":9007199254740991,` and a line feed. */
const RESERVED_BYTES = 64;
/** What an entry of `truncated` takes for a slot, at most. */
const ENTRY_BYTES = 200;
/** Bytes kept of each text when the texts alone crowd the record. */
const CROWDED_BYTES = 96;
/** Entries kept of `truncated` then. */
const CROWDED_CUTS = 4;

/** A place of a record that holds a free value. */
interface Slot {
  readonly owner: Fields;
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

const SLOTS = ['data', 'error', 'policy_tags'];
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
  'tool_annotations',
];

/** Cuts the free values of a redacted record, the largest first, until its line has at most so many bytes. */
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

/** Smallest first, so that what a small one does not use of its share falls to the larger ones. */
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

/** Where names and messages alone fill a record, each keeps its beginning. */
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
