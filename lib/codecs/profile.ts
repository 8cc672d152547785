import { isPart, PART_FIELDS, RECORD_FIELDS } from '../schema/fields.js';
import type { AuditRecord, Outcome, Sensitivity } from '../schema/record.js';
import {
  OUTCOMES,
  OUTCOMES_0_2,
  OUTCOME_TO_0_2,
  SENSITIVITIES,
  SENSITIVITIES_0_2,
  SENSITIVITY_TO_0_2,
} from '../schema/tables.js';

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

/**
 * The names that an encoding uses: `documented` for those of the published schema reference, `0.2` for those of schema package
 * 0.2. Event types are chosen where the record is made; encoders rename only outcomes and sensitivities.
 */
export type Profile = 'documented' | '0.2';

/**
 * Which names records have.
 *
 * @see docs/options.md
 */
export interface ProfileOptions {
  /**
   * Names of event types, outcomes and sensitivities: those of the published schema reference, or of schema package 0.2.
   * @defaultValue `documented`
   * @variable OTEL_MCP_LOG_PROFILE
   */
  readonly profile?: Profile;
}

/**
 * Which names an encoding has.
 *
 * @see docs/sinks.md
 */
export interface EncodingProfileOptions {
  /**
   * Names of outcomes and sensitivities, and in protobuf their numbers. Each record says which profile it is of, so there is nothing to
   * say here; a profile that is not that of the log is a `ConfigError`.
   * @defaultValue that of the log
   */
  readonly profile?: Profile;
}

/** The profile that a record is of, by its own word. */
export function profileOf({
  metadata,
}: {
  readonly metadata?: { readonly schema_version?: unknown };
}): Profile {
  const version = metadata?.schema_version;
  return typeof version === 'string' && (version === '0.2' || version.startsWith('0.2.'))
    ? '0.2'
    : 'documented';
}

/** A record as it is encoded, with the outcome and sensitivity names of a profile. */
export type WireRecord = Omit<AuditRecord, 'outcome' | 'sensitivity'> & {
  outcome: string;
  sensitivity: string;
};

/** The schema's tables of renamed values, completed by those that keep their name, and by the zero values of the two profiles. */
const outcomes = renaming(OUTCOMES, OUTCOMES_0_2, OUTCOME_TO_0_2);
const sensitivities = renaming(SENSITIVITIES, SENSITIVITIES_0_2, SENSITIVITY_TO_0_2);

/** The record with the names of a profile: its own, unless another one is asked for. */
export function toProfile(record: AuditRecord, profile: Profile = profileOf(record)): WireRecord {
  if (profile === 'documented') return record;
  return {
    ...record,
    outcome: outcomes.there.get(record.outcome) ?? record.outcome,
    sensitivity: sensitivities.there.get(record.sensitivity) ?? record.sensitivity,
  };
}

/** The inverse of {@link toProfile}. */
export function fromProfile(record: WireRecord, profile: Profile = profileOf(record)): AuditRecord {
  const documented = profile === 'documented';
  return {
    ...record,
    outcome: ((!documented && outcomes.back.get(record.outcome)) || record.outcome) as Outcome,
    sensitivity: ((!documented && sensitivities.back.get(record.sensitivity)) ||
      record.sensitivity) as Sensitivity,
  };
}

function renaming(
  from: Readonly<Record<string, number>>,
  to: Readonly<Record<string, number>>,
  renamed: Readonly<Record<string, string>>,
): { there: ReadonlyMap<string, string>; back: ReadonlyMap<string, string> } {
  const zero = Object.keys(to).find((name) => to[name] === 0);
  const pairs = Object.entries(from).map(
    ([name, value]) => [name, renamed[name] ?? (value === 0 && zero ? zero : name)] as const,
  );
  return { there: new Map(pairs), back: new Map(pairs.map(([name, other]) => [other, name])) };
}
