import { compilePattern } from './text/patterns.js';
import type { KnownSecrets } from './walk/knownSecrets.js';

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
