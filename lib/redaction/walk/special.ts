import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { Marker } from '../text/markers.js';

/** What stands for an object that is neither plain nor an array: something that can be walked in its place. */
export interface Converted {
  /** A scalar, an array or a plain object, with its parts still raw. */
  readonly value: unknown;
  /** How many entries there were, where only the first were taken over. */
  readonly size?: number;
}

/** A text with control characters other than tab, line feed, form feed and carriage return is binary data. */
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * Converts what JSON would lose or misrepresent; undefined for an instance that is walked by its own properties. Objects are
 * told by their internal slots, which neither a proxy nor `Symbol.toStringTag` can fake.
 */
export function convert(source: object, breadth: number): Converted | undefined {
  if (types.isDate(source)) return { value: dateText(source) };
  if (ArrayBuffer.isView(source)) {
    return { value: bytesText(Buffer.from(source.buffer, source.byteOffset, source.byteLength), source) };
  }
  if (types.isAnyArrayBuffer(source)) return { value: bytesText(Buffer.from(source), source) };
  if (types.isMap(source)) return { value: entriesOf(take(source.entries(), breadth)), size: source.size };
  if (types.isSet(source)) return { value: take(source.values(), breadth), size: source.size };
  if (types.isNativeError(source) || source instanceof Error) return { value: errorParts(source) };
  if (source instanceof URL) return { value: source.href };
  if (source instanceof URLSearchParams || source instanceof Headers) {
    return { value: entriesOf(take(source.entries(), breadth)) };
  }
  if (types.isBoxedPrimitive(source)) return { value: source.valueOf() };
  return opaque(source);
}

/** Objects that hold nothing to look at. */
function opaque(source: object): Converted | undefined {
  if (types.isRegExp(source)) return { value: String(source) };
  if (types.isPromise(source)) return { value: '[Promise]' };
  if (types.isWeakMap(source) || types.isWeakSet(source)) return { value: '[Weak collection]' };
  if (types.isGeneratorObject(source)) return { value: '[Generator]' };
  return undefined;
}

function dateText(date: Date): string {
  const time = Date.prototype.getTime.call(date);
  return Number.isNaN(time) ? Marker.invalidDate : Date.prototype.toISOString.call(date);
}

/** Bytes that are readable UTF-8 are read; of others only the kind and the number is told. */
export function bytesText(bytes: Buffer, source: object): string {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    if (!BINARY.test(text)) return text;
  }
  const kind = Object.prototype.toString.call(source).slice(8, -1);
  return `[${kind}: ${bytes.length} bytes]`;
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length > most) break;
    taken.push(item);
  }
  return taken;
}

/** An object where every key is a string of its own, else the pairs. */
function entriesOf(pairs: readonly (readonly [unknown, unknown])[]): unknown {
  const keys = new Set(pairs.map(([key]) => key));
  const named = keys.size === pairs.length && pairs.every(([key]) => typeof key === 'string');
  return named ? Object.fromEntries(pairs as readonly (readonly [string, unknown])[]) : pairs;
}

/** What an error tells, its cause and its fellows among it; a part that cannot be read says so. */
function errorParts(error: object): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  for (const key of new Set(['name', 'message', 'code', 'stack', 'cause', 'errors', ...Object.keys(error)])) {
    let value: unknown;
    try {
      value = Reflect.get(error, key);
    } catch {
      value = Marker.threw;
    }
    if (value !== undefined)
      Object.defineProperty(parts, key, { value, enumerable: true, configurable: true });
  }
  return parts;
}
