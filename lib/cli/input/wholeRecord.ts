import { isPart, PART_FIELDS, RECORD_FIELDS, type FieldKind } from '../../schema/fields.js';

/** The beginning of the schema's names. A later version of the schema has further names, which begin the same. */
const PREFIXES: Readonly<Record<string, string>> = {
  event_type: 'EVENT_',
  outcome: 'OUTCOME_',
  severity: 'SEVERITY_',
  sensitivity: 'SENSITIVITY_',
};

/** As this package writes times, or with more digits. Times of this form can be compared as texts. */
const TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3,9}Z$/;
const MOST_INT32 = 2 ** 31 - 1;

/** A record may be nested this deep. The redaction policy cuts off at 128 levels at most, and readers need an end for their stacks. */
const DEEPEST = 1_000;

interface Field {
  readonly required: boolean;
  /** What is wrong with a value; undefined if nothing is. */
  readonly fault: (value: unknown) => string | undefined;
}

/** The known fields of an object. Fields of a later version of the schema are passed over. */
class Shape {
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #required: number;
  readonly #prefix: string;

  /** @param prefix What stands before its fields' names in words, e.g. `mcp.`. */
  constructor(fields: Readonly<Record<string, `${FieldKind}${'?' | ''}`>>, prefix = '') {
    this.#prefix = prefix;
    this.#fields = new Map(
      Object.entries(fields).map(([name, spec]) => {
        const kind = spec.replace('?', '') as FieldKind;
        return [name, { required: kind === spec, fault: faultFinder(`${prefix}${name}`, kind) }];
      }),
    );
    this.#required = [...this.#fields.values()].filter(({ required }) => required).length;
  }

  faultOf(value: object): string | undefined {
    let required = 0;
    for (const key in value) {
      const field = this.#fields.get(key);
      if (field === undefined) continue;
      const fault = field.fault((value as Readonly<Record<string, unknown>>)[key]);
      if (fault !== undefined) return fault;
      if (field.required) required++;
    }
    return required === this.#required ? undefined : `${this.#missing(value)} is missing`;
  }

  #missing(value: object): string {
    const missing = [...this.#fields].find(([name, { required }]) => required && !Object.hasOwn(value, name));
    return `${this.#prefix}${missing?.[0] ?? 'a field'}`;
  }
}

function faultFinder(name: string, kind: FieldKind): Field['fault'] {
  if (isPart(kind)) {
    const shape = new Shape(PART_FIELDS[kind], `${name}.`);
    return (value) => (isObject(value) ? shape.faultOf(value) : `${name} is no object`);
  }
  const is = kind === 'enum' ? begins(PREFIXES[name] ?? '') : KINDS[kind][1];
  const fault = `${name} is ${KINDS[kind][0]}`;
  return (value) => (is(value) ? undefined : fault);
}

type Check = (value: unknown) => boolean;

const KINDS: Readonly<
  Record<Exclude<FieldKind, keyof typeof PART_FIELDS>, readonly [fault: string, is: Check]>
> = {
  text: ['no text', isText],
  enum: ['no name of the schema', isText],
  time: ['no UTC time with milliseconds', isTime],
  number: ['no number', Number.isFinite],
  count: ['no whole number', (value) => Number.isSafeInteger(value) && (value as number) >= 0],
  int32: ['no whole number', (value) => Number.isInteger(value) && Math.abs(value as number) <= MOST_INT32],
  texts: ['no list of texts', (value) => Array.isArray(value) && value.every(isText)],
  json: ['', () => true],
};

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function begins(prefix: string): Check {
  return (value) => typeof value === 'string' && value.startsWith(prefix);
}

/** Refuses days such as 31 February, which `Date.parse` accepts. */
function isTime(value: unknown): boolean {
  const day = typeof value === 'string' ? TIME.exec(value)?.[1] : undefined;
  if (day === undefined || Number(day) <= 28) return day !== undefined;
  const text = value as string;
  return new Date(`${text.slice(0, 19)}Z`).toISOString().startsWith(text.slice(0, 10));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const record = new Shape(RECORD_FIELDS);

/**
 * What keeps an object from being a whole record, in words that quote nothing of it; undefined where it is one. It is one if it has
 * each field that every record has, and each known field holds what such a field holds.
 *
 * @param bytes The length of its line.
 */
export function faultOfRecord(value: object, bytes: number): string | undefined {
  // Only a long line can be nested deep.
  if (bytes > 2 * DEEPEST && isDeeper(value, DEEPEST)) return 'it is nested more than 1,000 deep';
  return record.faultOf(value);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const part of Object.values(value)) if (isDeeper(part, levels - 1)) return true;
  return false;
}
