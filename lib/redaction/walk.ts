import { KeyVerdict } from './keys.js';
import { Marker, moreMarker } from './markers.js';
import type { RedactionContext } from './options.js';
import { Pass } from './pass.js';
import { isEnd, stepInto, type PathState } from './paths.js';
import { KEY_UNITS, type Policy } from './policy.js';
import { DROPPED } from './replacer.js';
import { GONE, hideValue, keepScalar } from './scalars.js';
import { bytesText, convert } from './special.js';
import { redactText } from './text.js';
import { wellFormed } from './wellFormed.js';

/** The state to redact one record or value with. */
export function newPass(policy: Policy, context: RedactionContext): Pass {
  const pass: Pass = new Pass(policy, context, (value) => walk(value, pass, undefined));
  return pass;
}

/**
 * A copy of any value with every secret in it replaced: plain objects, arrays and scalars only, within the limits. Never
 * throws, never changes what it is given, reads each property once.
 */
export function walk(value: unknown, pass: Pass, state: PathState | undefined): unknown {
  return isObject(value) ? walkObject(value, pass, state) : keepScalar(value, undefined, pass);
}

function walkObject(source: object, pass: Pass, state: PathState | undefined): unknown {
  const { ancestors, path, policy } = pass;
  if (ancestors.includes(source)) return Marker.circular;
  if (ancestors.length >= policy.limits.depth) {
    pass.cut(undefined, {});
    return Marker.depth;
  }
  const depth = path.length;
  ancestors.push(source);
  pass.units += 2;
  try {
    return walkKind(source, pass, state);
  } catch {
    return Marker.threw;
  } finally {
    ancestors.pop();
    if (path.length !== depth) path.length = depth;
  }
}

/** A conversion or a `toJSON` is asked for once; what it gives is walked as it is. */
function walkKind(source: object, pass: Pass, state: PathState | undefined): unknown {
  const isArray = Array.isArray(source);
  if (!isArray && !isPlain(source)) {
    const converted = convert(source, pass.policy.limits.breadth);
    if (converted !== undefined) return walkParts(converted.value, pass, state, converted.size);
  }
  const toJson: unknown = 'toJSON' in source ? source.toJSON : undefined;
  if (typeof toJson === 'function') {
    const json: unknown = Reflect.apply(toJson, source, ['']);
    if (json !== source) return walk(json, pass, state);
  }
  return isArray ? walkArray(source, pass, state) : walkProperties(source, pass, state);
}

function walkParts(value: unknown, pass: Pass, state: PathState | undefined, size?: number): unknown {
  if (!isObject(value)) return keepScalar(value, undefined, pass);
  return Array.isArray(value)
    ? walkArray(value, pass, state, size)
    : walkProperties(value, pass, state, size);
}

function walkProperties(source: object, pass: Pass, state: PathState | undefined, size?: number): unknown {
  const keys = Object.keys(source);
  const bytes = keys.length === 2 ? serializedBuffer(source) : undefined;
  if (bytes !== undefined) return keepScalar(bytes, undefined, pass);
  const total = size ?? keys.length;
  const end = total > pass.policy.limits.breadth ? pass.policy.limits.breadth - 1 : total;
  const out: Record<string, unknown> = {};
  let index = 0;
  for (; index < end && !pass.full; index++) {
    const key = keys[index] ?? '';
    keepEntry(out, key, read(source, key), pass, state);
  }
  if (index < total) {
    out['…'] = moreMarker(total - index);
    pass.cut(undefined, { original_entries: total });
  }
  hideNamedValue(out, pass);
  return out;
}

function keepEntry(
  out: Record<string, unknown>,
  key: string,
  value: unknown,
  pass: Pass,
  state: PathState | undefined,
): void {
  const { verdict, plain } = pass.policy.keys(key);
  const below = state === undefined ? undefined : stepInto(state, key);
  const kept = keepValue(value, key, pass, below, verdict);
  if (kept === undefined || kept === GONE) return;
  pass.units += key.length + 4;
  if (plain && !pass.renamed) {
    out[key] = kept;
    return;
  }
  Object.defineProperty(out, nameFor(out, key, pass), {
    value: kept,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function keepValue(
  value: unknown,
  key: string,
  pass: Pass,
  state: PathState | undefined,
  verdict: KeyVerdict,
): unknown {
  if (verdict !== KeyVerdict.keep || (state !== undefined && isEnd(state))) {
    return hideValue(value, pass, verdict === KeyVerdict.mask);
  }
  if (!isObject(value)) return keepScalar(value, key, pass);
  pass.path.push(key);
  const kept = walkObject(value, pass, state);
  pass.path.pop();
  return kept;
}

/** A key that may itself hold a secret, redacted and cut; numbered where two have become alike. */
function nameFor(out: object, key: string, pass: Pass): string {
  pass.renamed = true;
  const name = redactText(wellFormed(key), pass);
  const short = name.length > KEY_UNITS ? `${wellFormed(name.slice(0, KEY_UNITS - 1))}…` : name;
  let unique = short;
  for (let count = 2; Object.hasOwn(out, unique); count++) unique = `${short} (${count})`;
  return unique;
}

function walkArray(
  source: readonly unknown[],
  pass: Pass,
  state: PathState | undefined,
  size?: number,
): unknown[] {
  const total = size ?? source.length;
  const end = total > pass.policy.limits.breadth ? pass.policy.limits.breadth - 1 : total;
  const out: unknown[] = [];
  let before: unknown;
  for (let index = 0; index < end && !pass.full; index++) {
    const value = read(source, index);
    const key = String(index);
    const below = state === undefined ? undefined : stepInto(state, key);
    const kept = keepValue(value, key, pass, below, verdictBy(before, index, total, pass));
    out.push(kept === GONE ? DROPPED : (kept ?? null));
    pass.units += 2;
    before = value;
  }
  if (out.length < total) {
    pass.cut(undefined, { original_entries: total });
    out.push(moreMarker(total - out.length));
  }
  return out;
}

/** What the element before says of the next: `['--token', 'x']` on a command line, `['authorization', 'x']` as a pair. */
function verdictBy(before: unknown, index: number, total: number, { policy }: Pass): KeyVerdict {
  if (typeof before !== 'string' || (total !== 2 && !before.startsWith('-'))) return KeyVerdict.keep;
  return total === 2 && index !== 1 ? KeyVerdict.keep : policy.keys(before).verdict;
}

const NAMES = ['name', 'key', 'header', 'field'];

/** `{ name: 'Authorization', value: 'x' }`: the value of one property is the key of another. */
function hideNamedValue(out: Record<string, unknown>, pass: Pass): void {
  const value = out['value'];
  if (value === undefined) return;
  for (const property of NAMES) {
    const name = out[property];
    if (typeof name !== 'string') continue;
    const { verdict } = pass.policy.keys(name);
    if (verdict === KeyVerdict.keep) continue;
    const hidden = hideValue(value, pass, verdict === KeyVerdict.mask);
    if (hidden === GONE) delete out['value'];
    else out['value'] = hidden;
    return;
  }
}

/** `JSON.stringify` of a Buffer, as it stands in values that have been through JSON once. */
function serializedBuffer(source: object): string | undefined {
  if (read(source, 'type') !== 'Buffer') return undefined;
  const data = read(source, 'data');
  return Array.isArray(data) ? bytesText(Buffer.from(data), new Uint8Array()) : undefined;
}

/** One property; a getter that throws is a value that could not be read. */
function read(source: object, key: string | number): unknown {
  try {
    return (source as Record<string | number, unknown>)[key];
  } catch {
    return Marker.threw;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isPlain(source: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(source);
  return prototype === Object.prototype || prototype === null;
}
