import { isPart, PART_FIELDS, RECORD_FIELDS } from '../schema/fields.js';

/** The names of a record's fields in their order; fields of its parts have dotted names. A table of records has these columns. */
export const FIELD_NAMES: readonly string[] = Object.keys(RECORD_FIELDS).flatMap((name) => {
  if (!isPart(name)) return [name];
  return Object.keys(PART_FIELDS[name]).map((part) => `${name}.${part}`);
});

/** An order of fields. It remembers the fields of the last object in order, because most records of a log have the same fields. */
class FieldOrder {
  readonly #keys: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  #last: readonly string[] = [];

  constructor(fields: object) {
    this.#keys = Object.keys(fields);
    this.#places = new Map(this.#keys.map((key, place) => [key, place]));
  }

  /** The same object where its fields are in order, else a copy in order. Walking the order to make it is faster than sorting. */
  arrange<T extends object>(value: T): T {
    if (hasKeys(value, this.#last)) return value;
    const keys = Object.keys(value);
    if (this.#isInOrder(keys)) {
      this.#last = keys;
      return value;
    }
    const arranged: Record<string, unknown> = {};
    let known = 0;
    for (const key of this.#keys) {
      if (!Object.hasOwn(value, key)) continue;
      arranged[key] = Reflect.get(value, key);
      known++;
    }
    if (known === keys.length) return arranged as T;
    const others = keys.filter((key) => !this.#places.has(key)).sort();
    const entries = others.map((key): [string, unknown] => [key, Reflect.get(value, key)]);
    // Assignment would fail for a field that is called `__proto__`.
    return Object.fromEntries([...Object.entries(arranged), ...entries]) as T;
  }

  #isInOrder(keys: readonly string[]): boolean {
    let last = -1;
    for (const key of keys) {
      const place = this.#places.get(key);
      if (place === undefined || place < last) return false;
      last = place;
    }
    return true;
  }
}

/**
 * Whether the fields of an object are these, or the first ones of these: they are then in order too. No list of the object's fields
 * is made for this, which would cost more.
 */
function hasKeys(value: object, keys: readonly string[]): boolean {
  let index = 0;
  for (const key in value) if (key !== keys[index++]) return false;
  return true;
}

const recordOrder = new FieldOrder(RECORD_FIELDS);
const nested = Object.entries(PART_FIELDS).map(([name, fields]) => [name, new FieldOrder(fields)] as const);

/**
 * The record with its fields, and those of its parts, in their fixed order. Unknown fields (of a newer
 * version) follow, sorted by name. A record that is in order is returned as it is, and not copied.
 */
export function inFixedOrder<T extends object>(record: T): T {
  let ordered = recordOrder.arrange(record);
  for (const [key, order] of nested) {
    const value: unknown = Reflect.get(ordered, key);
    if (typeof value !== 'object' || value === null) continue;
    const arranged = order.arrange(value);
    if (arranged === value) continue;
    // The record is not ours to change, so a copy is.
    if (ordered === record) ordered = { ...ordered };
    Reflect.set(ordered, key, arranged);
  }
  return ordered;
}
