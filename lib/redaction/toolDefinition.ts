import { compilePattern } from './text/patterns.js';
import type { KnownSecrets } from './walk/pass.js';
import type { DraftRecord } from '../schema/record.js';
import type { Redactor } from './createRedactor.js';
import { sizeOf } from './fit.js';
import { cutText } from './walk/strings.js';

/** Bounds, because schemas come from servers and values from callers. Beyond them the whole value counts as secret. */
const MAX_STEPS = 20_000;
const MAX_DEPTH = 64;
const MAX_PLACES = 1_000;
const MAX_TEXTS = 64;

/** Whether a schema marks its value as secret: `format: password` (OpenAPI) or `writeOnly` (JSON Schema, validation 9.4). */
function isMarked({ format, writeOnly }: Schema): boolean {
  return format === 'password' || writeOnly === true;
}

/** Whether a schema marks anything. A schema too large to search counts as one that does. */
export function hasMarks(schema: unknown): boolean {
  const open: unknown[] = [schema];
  for (let steps = 0; open.length > 0; steps++) {
    if (steps > MAX_STEPS) return true;
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (isMarked(next as Schema)) return true;
    open.push(...Object.values(next));
  }
  return false;
}

/**
 * What a schema marks as secret in a value: the places, each beginning with `prefix`, and the texts there. If the schema or the
 * value cannot be read, the whole value is marked.
 */
export function markedIn(
  schema: unknown,
  value: unknown,
  prefix: readonly string[],
): KnownSecrets | undefined {
  const search = new Search(schema);
  let places: (readonly string[])[];
  try {
    search.look(schema, value, []);
    places = search.full ? [[]] : search.places;
  } catch {
    places = [[]];
  }
  if (places.length === 0) return undefined;
  return { places: places.map((place) => [...prefix, ...place]), texts: search.texts };
}

class Search {
  readonly places: (readonly string[])[] = [];
  readonly texts: string[] = [];
  #steps = 0;
  readonly #reader: SchemaReader;

  constructor(root: unknown) {
    this.#reader = { root, matches: matcher() };
  }

  get full(): boolean {
    return this.#steps > MAX_STEPS || this.places.length > MAX_PLACES;
  }

  /** Applies every schema that concerns a value to it, and to what it contains. */
  look(schema: unknown, value: unknown, path: readonly string[]): void {
    this.#lookBy([schema], readable(value), path);
  }

  #lookBy(schemas: readonly unknown[], value: unknown, path: readonly string[]): void {
    if (value === undefined || value === null || this.full) return;
    if (path.length > MAX_DEPTH) {
      this.#steps = Infinity;
      return;
    }
    const all = applicableTo(schemas, this.#reader, MAX_STEPS);
    this.#steps += all.length + 1;
    if (all.some((schema) => isMarked(schema))) {
      this.places.push(path);
      this.#keep(value, 0);
    } else if (typeof value === 'object') {
      for (const [key, item] of Object.entries(value))
        this.#lookBy(this.#below(all, key, Array.isArray(value)), readable(item), [...path, key]);
    }
  }

  /** The schemas of an item or a property. */
  #below(schemas: readonly Schema[], key: string, isArray: boolean): unknown[] {
    return schemas.flatMap((schema) =>
      isArray ? itemSchemas(schema, Number(key)) : propertySchemas(schema, key, this.#reader),
    );
  }

  #keep(value: unknown, depth: number): void {
    if (this.texts.length >= MAX_TEXTS || depth > MAX_DEPTH) return;
    if (typeof value !== 'object' || value === null) this.texts.push(String(value));
    else for (const item of Object.values(value)) this.#keep(readable(item), depth + 1);
  }
}

/** What `JSON.stringify` would see of a value. */
function readable(value: unknown): unknown {
  const json = typeof value === 'object' && value !== null && 'toJSON' in value ? value.toJSON : undefined;
  return typeof json === 'function' ? Reflect.apply(json, value, ['']) : value;
}

function itemSchemas(
  { prefixItems, items, additionalItems, contains, unevaluatedItems }: Schema,
  index: number,
): unknown[] {
  const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  const rest = Array.isArray(items) ? additionalItems : items;
  return [contains, ...(index < first.length ? [first[index] as unknown] : [rest, unevaluatedItems])];
}

function propertySchemas(schema: Schema, key: string, { matches }: SchemaReader): unknown[] {
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema;
  const own = entriesOf(properties).filter(([name]) => name === key);
  const byPattern = entriesOf(patternProperties).filter(([pattern]) => matches(pattern, key));
  const found = [...own, ...byPattern].map(([, below]) => below);
  return found.length > 0 ? found : [additionalProperties, unevaluatedProperties];
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Matches patterns in linear time, because they come from servers. A pattern that cannot be compiled matches every key. */
function matcher(): SchemaReader['matches'] {
  const known = new Map<string, (key: string) => boolean>();
  return (pattern, key) => {
    let matches = known.get(pattern);
    if (matches === undefined) known.set(pattern, (matches = compiled(pattern)));
    return matches(key);
  };
}

function compiled(pattern: string): (key: string) => boolean {
  try {
    const expression = compilePattern('patternProperties', new RegExp(pattern, 'u'));
    return (key) => expression.test(key);
  } catch {
    return () => true;
  }
}

/** A JSON Schema (2020-12 or an earlier draft) as a server sent it. */
type Schema = Readonly<Record<string, unknown>>;

/** What is needed to read a schema. */
interface SchemaReader {
  /** The document that references point into. */
  readonly root: unknown;
  /** Whether a key matches a pattern of `patternProperties`. */
  readonly matches: (pattern: string, key: string) => boolean;
}

/** Keywords whose schemas apply to the same value. All are followed, without checking which of them the value satisfies. */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas'];

/** The schemas, those that they refer to and those that apply to the same value, each once, at most `most`. */
function applicableTo(schemas: readonly unknown[], { root }: SchemaReader, most: number): Schema[] {
  const found = new Set<Schema>();
  const open = [...schemas];
  while (open.length > 0 && found.size < most) {
    const schema = open.pop();
    if (typeof schema !== 'object' || schema === null || found.has(schema as Schema)) continue;
    const read = schema as Schema;
    found.add(read);
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) open.push(referred(root, read[keyword]));
    for (const keyword of IN_PLACE) open.push(...subschemas(read[keyword]));
  }
  return [...found];
}

function subschemas(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  // `then` and `else` are one schema, the other keywords are lists or objects of schemas.
  return [value, ...(Object.values(value) as unknown[])].filter((item) => !Array.isArray(item));
}

/** The schema that a reference within the document points to, by JSON pointer (RFC 6901) or anchor. */
function referred(root: unknown, reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  const pointer = decoded(reference.slice(1));
  if (pointer !== '' && !pointer.startsWith('/')) return anchored(root, pointer);
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (at, step) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined,
      root,
    );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The definition with an anchor of this name. */
function anchored(root: unknown, name: string): unknown {
  const { $defs, definitions } = (root ?? {}) as Schema;
  return [$defs, definitions]
    .flatMap((all) => (typeof all === 'object' && all !== null ? (Object.values(all) as unknown[]) : []))
    .find((each) => {
      const { $anchor, $dynamicAnchor, $id } = (each ?? {}) as Schema;
      return [$anchor, $dynamicAnchor].includes(name) || $id === `#${name}`;
    });
}

/** Keywords of JSON Schema whose members are schemas under names of the author's: a name there is no name of a value. */
const NAMED_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/** Keywords whose value is a schema or a list of schemas, and the two members of a tool that are schemas. */
const SCHEMAS = new Set([
  ...['inputSchema', 'outputSchema', 'items', 'prefixItems', 'additionalItems', 'contains', 'not'],
  ...['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'propertyNames', 'contentSchema'],
  ...['additionalProperties', 'unevaluatedItems', 'unevaluatedProperties'],
]);

/** Keywords that hold values of the property. */
const VALUES = new Set(['default', 'const', 'enum', 'examples', 'example']);

/** Deeper schemas are redacted as any value. */
const MAX_SCHEMA_DEPTH = 64;

/**
 * A tool's definition without secrets. A schema under the name `password` describes a password and holds none, so it stays, and only
 * the values in it (`default`, `const`, `enum`, `examples`) are hidden by the name. Everything else is redacted as in any record.
 */
export function redactDefinition(tool: object, redactor: Redactor): unknown {
  return redactSchema(tool, undefined, redactor, 0);
}

/** @param name The name of the property that the schema describes. */
function redactSchema(schema: unknown, name: string | undefined, redactor: Redactor, depth: number): unknown {
  if (Array.isArray(schema)) return schema.map((item) => redactSchema(item, name, redactor, depth + 1));
  if (typeof schema !== 'object' || schema === null || depth > MAX_SCHEMA_DEPTH)
    return redactor.value(schema);
  const members = Object.entries(schema).flatMap(([key, value]: [string, unknown]): [string, unknown][] => {
    if (NAMED_SCHEMAS.has(key) && typeof value === 'object' && value !== null && !Array.isArray(value))
      return [[key, namedSchemas(value, redactor, depth)]];
    if (SCHEMAS.has(key)) return [[key, redactSchema(value, name, redactor, depth + 1)]];
    const judged = name !== undefined && VALUES.has(key) ? name : key;
    // A policy may leave a hidden member out, or give it another name.
    return Object.values(redactor.value({ [judged]: value }) as object).map((kept: unknown) => [key, kept]);
  });
  return Object.fromEntries(members);
}

function namedSchemas(schemas: object, redactor: Redactor, depth: number): object {
  const named = Object.entries(schemas).map(([name, schema]: [string, unknown]) => [
    redactor.value(name),
    redactSchema(schema, name, redactor, depth + 1),
  ]);
  return Object.fromEntries(named) as object;
}

/** Bytes of a line beside the values: the key, the entry of `truncated`, and what the pipeline adds. */
const ROOM_BYTES = 1_024;

/**
 * A redacted record with the redacted text of a definition in its `data`. A text that would make the record longer than the policy
 * allows is cut, and `truncated` names its length and its SHA-256.
 */
export function withDefinition(
  record: DraftRecord,
  { text, sha256 }: { readonly text: string; readonly sha256: string },
  totalBytes: number,
): DraftRecord {
  // A level that keeps no data keeps no definition.
  if (typeof record.data !== 'object' || record.data === null) return record;
  const room = totalBytes - sizeOf(record) - ROOM_BYTES;
  const size = sizeOf(text);
  if (size <= room) return { ...record, data: { ...record.data, definition: text } };
  const bytes = Buffer.byteLength(text);
  const most = Math.floor((Math.max(0, room) * bytes) / size / 2);
  const cut = { path: 'data.definition', original_bytes: bytes, sha256 };
  return {
    ...record,
    data: { ...record.data, definition: cutText(text, bytes, most) },
    truncated: [...(record.truncated ?? []), cut],
  };
}
