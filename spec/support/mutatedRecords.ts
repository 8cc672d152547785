import { bareRecord, sampleRecord } from './sampleRecords.js';

/** A line that is almost a record. */
export interface Mutation {
  /** The field and what became of it: `actor_id: null`. */
  readonly name: string;
  readonly line: string;
  /** Whether it is a whole record still. */
  readonly isWhole: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Texts in whose place an array stands that is nested so deep. `JSON.stringify` cannot write the deeper one. */
const DEEP: readonly (readonly [place: string, levels: number])[] = [
  ['900 levels', 900],
  ['9,000 levels', 9_000],
];

/** What becomes of a field, and for which kinds of fields the record is whole all the same. */
const CHANGES: readonly (readonly [what: string, value: unknown, fits: readonly Kind[]])[] = [
  ['missing', undefined, []],
  ['null', null, ['json']],
  ['a number', 5, ['json', 'number']],
  ['a negative number', -1.5, ['json', 'duration']],
  ['a huge number', 1e300, ['json', 'duration']],
  ['a boolean', true, ['json']],
  ['a text', 'x', ['json', 'text']],
  ['an empty text', '', ['json', 'text']],
  ['a text of 20,000 letters', 'y'.repeat(20_000), ['json', 'text']],
  ['a name of JavaScript', 'constructor', ['json', 'text']],
  ['half a character', '\ud800', ['json', 'text']],
  ['a text with NUL and escape codes', 'a\u0000b\u001b[31m', ['json', 'text']],
  ['an array', [1, 'x', null], ['json']],
  ['an object', { a: { b: 1 }, toString: 1, length: -1 }, ['json', 'attributes']],
  ...DEEP.map(([place, levels]) => [place, place, levels < 1_000 ? (['json'] as const) : []] as const),
];

type Kind = 'json' | 'text' | 'number' | 'duration' | 'attributes' | 'other';

const JSON_FIELDS = ['data', 'truncated', 'mcp.tool_arguments', 'mcp.legs'];
const NUMBERS = ['seq', 'ocsf_class_uid', 'ocsf_activity_id', 'log_epoch', 'otel_resource.process.pid'];
/** Fields that take only texts of a form, or values of another kind than texts. */
const OTHERS = [
  ...['time', 'event_type', 'outcome', 'severity', 'sensitivity', 'policy_tags', 'mcp', 'error', 'metadata'],
  'metadata.schema_version',
];

function kindsOf(path: string): readonly Kind[] {
  if (JSON_FIELDS.includes(path)) return ['json'];
  if (NUMBERS.includes(path)) return ['number'];
  if (path === 'duration_ms') return ['number', 'duration'];
  if (path === 'otel_resource') return ['attributes'];
  return [OTHERS.includes(path) ? 'other' : 'text'];
}

/** A record in which every kind of field is there. */
const WHOLE = sampleRecord(1, {
  error: { type: 'tool_error', code: '-32602', message: 'Unknown tool' },
  data: { count: 1 },
  stage: 'gap',
  operation_id: '01932c5e-7a00-7000-8000-000000000001',
  truncated: [{ path: 'mcp.tool_arguments' }],
});

const REQUIRED: ReadonlySet<string> = new Set([
  ...Object.keys(bareRecord()),
  ...['mcp.method', 'error.type'],
  ...Object.keys(WHOLE.metadata).map((name) => `metadata.${name}`),
]);

/** A record with each of its fields, one after the other, missing, of another type, too long, or of a later schema. */
export function mutatedRecords(): Mutation[] {
  const paths = Object.entries(WHOLE).flatMap(([name, value]) => [
    [name],
    ...(['mcp', 'error', 'metadata', 'otel_resource'].includes(name) ? Object.keys(value as Json) : []).map(
      (part) => [name, part],
    ),
  ]);
  return [...paths.flatMap((path) => CHANGES.map((change) => mutation(path, change))), ...ofLaterSchema()];
}

function mutation(path: readonly string[], [what, value, fits]: (typeof CHANGES)[number]): Mutation {
  const name = path.join('.');
  const line = DEEP.reduce(
    (text, [place, levels]) => text.replace(`"${place}"`, `${'['.repeat(levels)}${']'.repeat(levels)}`),
    JSON.stringify(withField(WHOLE, path, value)),
  );
  const isWhole =
    what === 'missing' ? !REQUIRED.has(name) : kindsOf(name).some((kind) => fits.includes(kind));
  return { name: `${name}: ${what}`, line, isWhole };
}

function withField(record: object, [key = '', ...rest]: readonly string[], value: unknown): object {
  const inner: unknown = Reflect.get(record, key);
  const put = rest.length === 0 ? value : withField(inner as object, rest, value);
  return { ...record, [key]: put };
}

function ofLaterSchema(): Mutation[] {
  const later = (name: string, changes: Json) => ({
    name: `of a later schema: ${name}`,
    line: JSON.stringify({ ...WHOLE, ...changes }),
    isWhole: true,
  });
  return [
    later('a further field', { verdict: { of: ['whom'] } }),
    later('a field called __proto__', JSON.parse('{"__proto__":{"actor_id":1}}') as Json),
    later('a further detail', { mcp: { ...WHOLE.mcp, further: null } }),
    later('an event', { event_type: 'EVENT_OF_TOMORROW' }),
    later('an outcome', { outcome: 'OUTCOME_MIXED' }),
    later('a severity', { severity: 'SEVERITY_MILD' }),
    later('a sensitivity', { sensitivity: 'SENSITIVITY_COSMIC' }),
    later('an actor', { actor_type: 'swarm' }),
    later('a version', { metadata: { ...WHOLE.metadata, schema_version: '1.9.0' } }),
    later('a finer time', { time: '2026-01-15T09:30:00.125678Z' }),
    ...['9.1', '0.3.0', '2.0.0'].map((schema_version) => ({
      ...later(schema_version, { metadata: { ...WHOLE.metadata, schema_version } }),
      isWhole: false,
    })),
    ...['2026-02-31T09:30:00.125Z', '2026-01-15T09:30:00Z', '2026-01-15T24:00:00.000Z', 'yesterday'].map(
      (time) => ({ ...later(time, { time }), name: `time: ${time}`, isWhole: false }),
    ),
  ];
}
