import type { DraftRecord } from '../schema/record.js';
import type { Redactor } from './createRedactor.js';
import { sizeOf } from './fit.js';
import { cutText } from './walk/strings.js';

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
const MAX_DEPTH = 64;

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
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return redactor.value(schema);
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
