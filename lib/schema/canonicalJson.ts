/** The deepest nesting that is canonicalised: the walk is recursive, and a server may send any depth. */
const MAX_DEPTH = 500;

/**
 * A JSON value as text by RFC 8785 (JSON Canonicalization Scheme): no white space, keys in the order of their UTF-16 code units,
 * strings and numbers as ECMAScript serialises them. Members that `JSON.stringify` leaves out are left out. Lone surrogates, which
 * the RFC refuses, are escaped.
 *
 * @throws TypeError for a BigInt, and for values that are nested deeper than 500 levels.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply for canonical JSON');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => [key, Reflect.get(value, key) as unknown] as const)
    .filter(
      ([, member]) => member !== undefined && typeof member !== 'function' && typeof member !== 'symbol',
    )
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}
