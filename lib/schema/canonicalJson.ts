/** The deepest nesting that is canonicalised: the walk is recursive, and a server may send any depth. */
const MAX_DEPTH = 500;

/** What may still be written, in UTF-16 code units. */
interface Budget {
  left: number;
}

/**
 * A JSON value as text by RFC 8785 (JSON Canonicalization Scheme): no white space, keys in the order of their UTF-16 code units,
 * strings and numbers as ECMAScript serialises them. What is not JSON becomes what `JSON.stringify` makes of it: members without a
 * value are left out, `toJSON` is called, NaN is null. Lone surrogates, which the RFC refuses, are escaped.
 *
 * @param maxLength The longest text to make, in UTF-16 code units: the walk ends where it is exceeded. Default: no bound.
 * @throws TypeError for a BigInt, and for values that are nested deeper than 500 levels.
 * @throws RangeError for a text longer than `maxLength`.
 */
export function canonicalJson(value: unknown, maxLength: number = Number.POSITIVE_INFINITY): string {
  return write(value, '', 0, { left: maxLength }) ?? 'null';
}

/** Undefined for what `JSON.stringify` leaves out. */
function write(given: unknown, key: string, depth: number, budget: Budget): string | undefined {
  const value = converted(given, key);
  switch (typeof value) {
    case 'string':
      // Its length is looked at first: to escape 50 MB only to throw the text away would take a tenth of a second.
      spend(budget, value.length + 2);
      return JSON.stringify(value);
    case 'number':
      spend(budget, 1);
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      spend(budget, 4);
      return value ? 'true' : 'false';
    case 'object':
      if (value !== null) return writeParts(value, depth, budget);
      spend(budget, 4);
      return 'null';
    case 'bigint':
      throw new TypeError('a BigInt is no JSON');
    default:
      return undefined;
  }
}

function writeParts(value: object, depth: number, budget: Budget): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply for canonical JSON');
  let text = '';
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item = write(value[index], String(index), depth + 1, budget) ?? 'null';
      text += index === 0 ? item : `,${item}`;
      spend(budget, 1);
    }
    return `[${text}]`;
  }
  for (const key of sorted(Object.keys(value))) {
    const member = write((value as Record<string, unknown>)[key], key, depth + 1, budget);
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${member}`;
    spend(budget, key.length + 4);
  }
  return `{${text}}`;
}

/** What `JSON.stringify` serialises in place of a value. */
function converted(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'bigint') return value;
  const { toJSON } = value as { toJSON?: unknown };
  const json: unknown = typeof toJSON === 'function' ? Reflect.apply(toJSON, value, [key]) : value;
  const isBoxed = json instanceof Number || json instanceof String || json instanceof Boolean;
  return isBoxed ? json.valueOf() : json;
}

/** Sorts only where that is needed: most programs write the members of their objects in one order. */
function sorted(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index++)
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return keys.sort();
  return keys;
}

function spend(budget: Budget, length: number): void {
  budget.left -= length;
  if (budget.left < 0) throw new RangeError('too long for canonical JSON');
}
