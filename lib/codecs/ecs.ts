import type { AuditRecord, Outcome } from '../schema/record.js';
import { EVENT_TYPES, SEVERITIES } from '../schema/tables.js';
import { type Codec, textCodec, type TextFraming } from './codec.js';
import { encodeLine } from './json.js';
import type { Profile } from './profile.js';
import { toJsonLine } from './line.js';

/** The version of the Elastic Common Schema that the names are from. */
const ECS_VERSION = '8.17.0';

/** `event.outcome` has three values. A partial result is neither a success nor a failure. */
const OUTCOME_WORDS: Readonly<Record<Outcome, 'success' | 'failure' | 'unknown'>> = {
  OUTCOME_UNSPECIFIED: 'unknown',
  OUTCOME_SUCCESS: 'success',
  OUTCOME_FAILURE_UNAUTHORIZED: 'failure',
  OUTCOME_FAILURE_DENIED: 'failure',
  OUTCOME_FAILURE_ERROR: 'failure',
  OUTCOME_PARTIAL: 'unknown',
};

/**
 * A record in the fields of the Elastic Common Schema, by the schema's export table. `event.original` holds the whole record as
 * its JSON line, so that nothing is lost, and no free value adds fields to the mapping of an index.
 */
export function toEcs(record: AuditRecord, profile: Profile = 'documented'): object {
  const { mcp, error, metadata } = record;
  const event = EVENT_TYPES[record.event_type];
  return {
    '@timestamp': record.time,
    message: record.message,
    ecs: { version: ECS_VERSION },
    event: {
      kind: 'event',
      id: record.record_id,
      sequence: record.seq,
      action: mcp?.method ?? record.event_type,
      code: record.event_type,
      category: event?.ecs_event_category,
      type: event?.ecs_event_type,
      severity: SEVERITIES[record.severity],
      outcome: OUTCOME_WORDS[record.outcome] ?? 'unknown',
      duration: Math.round(record.duration_ms * 1_000_000),
      original: encodeLine(record, profile),
    },
    trace: { id: record.trace_id },
    span: { id: record.span_id },
    parent: record.parent_span_id && { id: record.parent_span_id },
    user: { id: record.actor_id, roles: [record.actor_type] },
    service: { name: record.component, environment: record.environment },
    url: { path: record.resource },
    session: { id: record.session_id },
    client: record.client_id && { id: record.client_id },
    server: record.server_id && { id: record.server_id },
    organization: record.tenant_id && { id: record.tenant_id },
    error: error && { type: error.type, code: error.code, message: error.message },
    tags: record.policy_tags,
    agent: { name: metadata.product_name, version: metadata.product_version },
  };
}

/** One ECS document per record, for Elasticsearch and what reads its documents. */
export function ecsCodec({
  profile = 'documented',
  framing = 'ndjson',
}: { profile?: Profile; framing?: TextFraming } = {}): Codec {
  return textCodec('ecs', (record) => toJsonLine(toEcs(record, profile)), framing);
}
