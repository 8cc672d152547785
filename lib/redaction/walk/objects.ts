import { Marker } from '../text/markers.js';
import { bytesText, convert } from './special.js';

/** What an object is to the walk, found out with everything that can throw behind it but the reading of its parts. */
export type Opened =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'array'; readonly source: readonly unknown[]; readonly total: number }
  | {
      readonly kind: 'object';
      readonly source: object;
      readonly keys: readonly string[];
      readonly total: number;
    };

const UNREADABLE: Opened = { kind: 'value', value: Marker.threw };

/** Opens an object; one that throws while it is looked at (a proxy, a `toJSON`) is named so. */
export function open(source: object, breadth: number): Opened {
  try {
    return openKind(source, breadth);
  } catch {
    return UNREADABLE;
  }
}

/** A conversion or a `toJSON` is asked for once; what it gives is walked as it is. */
function openKind(source: object, breadth: number): Opened {
  if (!Array.isArray(source) && !isPlain(source)) {
    const converted = convert(source, breadth);
    if (converted !== undefined) return openParts(converted.value, converted.size);
  }
  const toJson: unknown = 'toJSON' in source ? source.toJSON : undefined;
  if (typeof toJson === 'function') {
    const json: unknown = Reflect.apply(toJson, source, ['']);
    if (json !== source) return { kind: 'value', value: json };
  }
  return openParts(source);
}

function openParts(source: unknown, size?: number): Opened {
  if (typeof source !== 'object' || source === null) return { kind: 'value', value: source };
  if (Array.isArray(source)) return { kind: 'array', source, total: size ?? source.length };
  const keys = Object.keys(source);
  const bytes = keys.length === 2 ? serializedBuffer(source) : undefined;
  if (bytes !== undefined) return { kind: 'value', value: bytes };
  return { kind: 'object', source, keys, total: size ?? keys.length };
}

/** `JSON.stringify` of a Buffer, as it stands in values that have been through JSON once. */
function serializedBuffer(source: object): string | undefined {
  if (!('type' in source && source.type === 'Buffer' && 'data' in source && Array.isArray(source.data))) {
    return undefined;
  }
  return bytesText(Buffer.from(source.data), new Uint8Array());
}

function isPlain(source: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(source);
  return prototype === Object.prototype || prototype === null;
}

/** One part of an opened object; a getter that throws is a value that could not be read. */
export function read(source: object, key: string | number): unknown {
  try {
    return (source as Record<string | number, unknown>)[key];
  } catch {
    return Marker.threw;
  }
}
