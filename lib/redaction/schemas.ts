/** A JSON Schema (2020-12 and the drafts before it), as a server may have written it. */
export type Schema = Readonly<Record<string, unknown>>;

/** What a schema is read with. */
export interface SchemaReader {
  /** The schema that references begin at. */
  readonly root: unknown;
  /** Whether a key matches a pattern of `patternProperties`. */
  readonly matches: (pattern: string, key: string) => boolean;
}

/** Keywords whose schemas apply to the same value; which of them holds is not asked. */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas'];

/** The schemas themselves, those that they refer to and those that apply in place, each once, at most so many. */
export function applicableTo(schemas: readonly unknown[], { root }: SchemaReader, most: number): Schema[] {
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
  // `then` and `else` are one schema, the others lists or objects of them: a keyword that is no schema marks nothing.
  return [value, ...(Object.values(value) as unknown[])].filter((item) => !Array.isArray(item));
}

/** The schema behind a reference within the document: a JSON pointer (RFC 6901) or the name of an anchor. */
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

/** Anchors are looked for among the definitions, where they stand. */
function anchored(root: unknown, name: string): unknown {
  const { $defs, definitions } = (root ?? {}) as Schema;
  return [$defs, definitions]
    .flatMap((all) => (typeof all === 'object' && all !== null ? (Object.values(all) as unknown[]) : []))
    .find((each) => {
      const { $anchor, $dynamicAnchor, $id } = (each ?? {}) as Schema;
      return [$anchor, $dynamicAnchor].includes(name) || $id === `#${name}`;
    });
}
