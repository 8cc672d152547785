import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { Marker, FAILED } from '../text/replacement.js';
import { isCard } from '../detectors/finance.js';
import { KeyVerdict } from '../keys/keyNames.js';
import { isUuid, looksSecret } from '../text/random.js';
import type { Pass } from './pass.js';
import { keepString } from './strings.js';

/** What the walk reads of an object. All that can throw has been done, except for reading the parts. */
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

/** Opens an object. If it throws, as a proxy or a `toJSON` can, a marker replaces it. */
export function open(source: object, breadth: number): Opened {
  try {
    return openKind(source, breadth);
  } catch {
    return UNREADABLE;
  }
}

/** Converts the object or calls its `toJSON`, once: the result is walked as it is. */
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

/** The bytes of a Buffer that has been through `JSON.stringify`. */
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

/** Reads one part of an opened object. If its getter throws, a marker replaces it. */
export function read(source: object, key: string | number): unknown {
  try {
    return (source as Record<string | number, unknown>)[key];
  } catch {
    return Marker.threw;
  }
}

/** What is walked instead of an object that is neither plain nor an array. */
interface Converted {
  /** A scalar, an array or a plain object, whose parts are not converted yet. */
  readonly value: unknown;
  /** The number of all entries, if only the first were copied. */
  readonly size?: number;
}

/** A control character other than tab, line feed, form feed, carriage return and escape: what holds one is binary data. */
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * Converts what JSON would lose or misrepresent. Returns undefined for objects that are walked by their own properties. Kinds are
 * recognized by internal slots, which neither a proxy nor `Symbol.toStringTag` can fake.
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

/** Objects without contents that could be walked. */
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

/** Bytes as text if they are readable UTF-8; otherwise their kind and number. */
function bytesText(bytes: Buffer, source: object): string {
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

/** The entries as an object if their keys are distinct strings, otherwise as pairs. */
function entriesOf(pairs: readonly (readonly [unknown, unknown])[]): unknown {
  const keys = new Set(pairs.map(([key]) => key));
  const named = keys.size === pairs.length && pairs.every(([key]) => typeof key === 'string');
  return named ? Object.fromEntries(pairs as readonly (readonly [string, unknown])[]) : pairs;
}

/** The parts of an error, with its cause and the errors of an `AggregateError`. A marker replaces what cannot be read. */
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

/** A smaller integer has fewer digits than any card number. */
const SHORTEST_CARD = 1e12;

/** How deep and how broad a hidden object is searched for secrets that may be repeated elsewhere. */
const MOST_DEPTH = 4;
const MOST_ITEMS = 32;

/** The result for a value that is dropped together with its key. */
export const GONE = Symbol('gone');

/** Redacts a value that is not an object. `key` is its key below the walk's place. */
export function keepScalar(value: unknown, key: string | undefined, pass: Pass): unknown {
  if (pass.policy.custom !== undefined) return keepCustom(value, key, pass);
  return keepPlain(value, key, pass);
}

function keepPlain(value: unknown, key: string | undefined, pass: Pass): unknown {
  switch (typeof value) {
    case 'string':
      return keepString(value, key, pass);
    case 'number':
      return keepNumber(value, pass);
    case 'bigint':
      return keepDigits(value.toString(), pass) ?? keepString(`${value}n`, key, pass);
    case 'function':
      return Marker.function;
    case 'symbol':
      return Marker.symbol;
    default:
      return value;
  }
}

function keepNumber(value: number, pass: Pass): number | string {
  pass.units += 1;
  pass.slack += 24;
  if (!Number.isFinite(value)) return `[${value}]`;
  if (value < SHORTEST_CARD || !Number.isInteger(value)) return value;
  return keepDigits(String(value), pass) ?? value;
}

/** The replacement of a card number; undefined for any other number. */
function keepDigits(digits: string, pass: Pass): string | undefined {
  return pass.policy.on.has('card') && isCard(digits) ? pass.hide(digits) : undefined;
}

/** Calls the user's function, then searches what it returned. */
function keepCustom(value: unknown, key: string | undefined, pass: Pass): unknown {
  const { custom } = pass.policy;
  if (custom === undefined || !isCustomInput(value)) return keepPlain(value, key, pass);
  let result: unknown;
  try {
    result = custom(value, (key === undefined ? pass.path : [...pass.path, key]).join('.'), pass.context);
  } catch {
    return failed(pass);
  }
  if (result === undefined) return hideValue(value, pass, false);
  if (result !== null && !isCustomInput(result)) return failed(pass);
  if (result !== value) pass.changes++;
  return keepPlain(result, key, pass);
}

function isCustomInput(value: unknown): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function failed(pass: Pass): string {
  pass.changes++;
  return FAILED;
}

/**
 * What replaces a value that a key or a path hides. Objects are masked as a whole, because their keys can reveal as much as their
 * values. Null and undefined reveal nothing and are kept.
 */
export function hideValue(value: unknown, pass: Pass, mask: boolean): unknown {
  if (value === null || value === undefined) return value;
  const text = scalarText(value);
  if (text === undefined) addSecretsWithin(value, pass, 0);
  else pass.secrets.add(text);
  if (pass.policy.replacer.kind === 'drop') {
    pass.changes++;
    return GONE;
  }
  pass.slack += 80;
  return pass.hide(text ?? '', mask || text === undefined);
}

/** Adds what looks like a secret within a hidden object, because it may be repeated elsewhere. Words and names are not added. */
function addSecretsWithin(value: unknown, pass: Pass, depth: number): void {
  if (
    typeof value === 'string' &&
    /\d/.test(value) &&
    /[A-Za-z]/.test(value) &&
    !/\s/.test(value) &&
    !isUuid(value)
  ) {
    pass.secrets.add(value);
  }
  if (typeof value !== 'object' || value === null || depth > MOST_DEPTH) return;
  try {
    for (const item of Object.values(value).slice(0, MOST_ITEMS)) addSecretsWithin(item, pass, depth + 1);
  } catch {
    // What cannot be read is not repeated elsewhere either.
  }
}

/** The text from which a token is made: a string, a number and a bigint with the same digits give the same token. */
function scalarText(value: unknown): string | undefined {
  return isCustomInput(value) ? String(value) : undefined;
}

/** Whether a value is secret by the verdict on its key. */
export function isSecretValue(verdict: KeyVerdict, value: unknown): boolean {
  if (verdict !== KeyVerdict.ifRandom) return verdict !== KeyVerdict.keep;
  return typeof value === 'string' && looksSecret(value);
}
