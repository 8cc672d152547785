import type { AuditRecord, McpDetail, RecordError, RecordMetadata } from '../schema/record.js';

/**
 * The order of the fields in a line: that of the record's table, so that the same record always has the same bytes. The type makes
 * sure that no field is missing here: the code would not compile.
 */
const RECORD_ORDER: Record<keyof AuditRecord, true> = {
  record_id: true,
  seq: true,
  time: true,
  duration_ms: true,
  event_type: true,
  outcome: true,
  severity: true,
  sensitivity: true,
  actor_id: true,
  actor_type: true,
  component: true,
  environment: true,
  resource: true,
  message: true,
  correlation_id: true,
  trace_id: true,
  span_id: true,
  parent_span_id: true,
  session_id: true,
  tenant_id: true,
  client_id: true,
  client_version: true,
  server_id: true,
  server_version: true,
  policy_tags: true,
  ocsf_class_uid: true,
  ocsf_activity_id: true,
  otel_operation_name: true,
  mcp: true,
  error: true,
  data: true,
  stage: true,
  operation_id: true,
  truncated: true,
  metadata: true,
};

const MCP_ORDER: Record<keyof McpDetail, true> = {
  method: true,
  protocol_version: true,
  request_id: true,
  connection_id: true,
  requested_by: true,
  tool_name: true,
  tool_arguments: true,
  tool_result: true,
  resource_uri: true,
  prompt_name: true,
  prompt_arguments: true,
  session_id: true,
  server_address: true,
  transport: true,
  client_capabilities: true,
  server_capabilities: true,
  extensions: true,
  server_identity: true,
  discovered_server_id: true,
  discovered_server_version: true,
  served_from: true,
  answer: true,
  answer_refused: true,
  caller_saw: true,
  http_status: true,
  oauth: true,
  task_id: true,
  task_status: true,
  requests: true,
  legs: true,
  tool_fingerprint: true,
  tool_annotations: true,
  meta: true,
  decision: true,
  ended_by: true,
  apm_system: true,
  apm_trace_id: true,
  apm_span_id: true,
};

const ERROR_ORDER: Record<keyof RecordError, true> = { type: true, code: true, message: true };

const METADATA_ORDER: Record<keyof RecordMetadata, true> = {
  schema_version: true,
  product_name: true,
  product_version: true,
  vendor_name: true,
};

/** The names of a record's fields in their order; fields of its parts have dotted names. A table of records has these columns. */
export const FIELD_NAMES: readonly string[] = Object.keys(RECORD_ORDER).flatMap((name) => {
  const parts = { mcp: MCP_ORDER, error: ERROR_ORDER, metadata: METADATA_ORDER }[name];
  return parts === undefined ? [name] : Object.keys(parts).map((part) => `${name}.${part}`);
});

/** An order of fields. It remembers the fields of the last object in order, because most records of a log have the same fields. */
class FieldOrder {
  readonly #keys: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  #last: readonly string[] = [];

  constructor(fields: Readonly<Record<string, true>>) {
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

const recordOrder = new FieldOrder(RECORD_ORDER);
const nested: readonly (readonly [string, FieldOrder])[] = [
  ['mcp', new FieldOrder(MCP_ORDER)],
  ['error', new FieldOrder(ERROR_ORDER)],
  ['metadata', new FieldOrder(METADATA_ORDER)],
];

/**
 * The record with its fields, and those of `mcp`, `error` and `metadata`, in their fixed order. Unknown fields (of a newer
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
