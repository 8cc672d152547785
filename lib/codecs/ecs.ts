import { actorsOf } from '../schema/parts.js';
import type { AuditRecord, EventType, Outcome } from '../schema/record.js';
import { EVENT_TYPES, SEVERITIES } from '../schema/tables.js';
import { textCodec, toJsonLine, type Codec, type TextFraming } from './codec.js';
import { encodeLine } from './json.js';
import { fromProfile, type Profile } from './profile.js';
import { clientOf, peerOf } from './peer.js';

/** A version of the Elastic Common Schema. */
export type EcsVersion = '8.17.0' | '9.4.0';

/** How a record becomes an ECS document. */
export interface EcsOptions {
  profile?: Profile;
  framing?: TextFraming;
  /** @defaultValue `'8.17.0'` */
  version?: EcsVersion;
}

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
 * A record in fields that the Elastic Common Schema has. What it has no field for (the session, the parent span) is a label.
 * `event.original` holds the whole record as its JSON line, so that nothing is lost, and no free value adds fields to the mapping of
 * an index.
 */
export function toEcs(given: AuditRecord, { profile, version = '8.17.0' }: EcsOptions = {}): object {
  const record = fromProfile(given);
  const { mcp, error, metadata } = record;
  const event = EVENT_TYPES[record.event_type];
  return {
    '@timestamp': record.time,
    message: record.message,
    ecs: { version },
    event: {
      kind: 'event',
      id: record.record_id,
      sequence: record.seq,
      action: mcp?.method ?? record.event_type,
      code: record.event_type,
      category: event?.ecs_event_category,
      type: TYPES[record.event_type] ?? event?.ecs_event_type,
      severity: SEVERITIES[record.severity],
      outcome: OUTCOME_WORDS[record.outcome] ?? 'unknown',
      duration: Math.round(record.duration_ms * 1_000_000),
      original: encodeLine(given, profile),
    },
    trace: { id: record.trace_id },
    span: { id: record.span_id },
    labels: {
      session_id: record.session_id,
      parent_span_id: record.parent_span_id,
      log_id: record.log_id,
      log_epoch: record.log_epoch === undefined ? undefined : String(record.log_epoch),
    },
    user: {
      id: record.actor_id,
      roles: [record.actor_type],
      effective: record.on_behalf_of && { id: record.on_behalf_of },
    },
    ...callerOf(record),
    ...placeOf(record),
    url: { path: record.resource },
    user_agent: record.client_id && { name: record.client_id },
    organization: record.tenant_id && { id: record.tenant_id },
    error: error && { type: error.type, code: error.code, message: error.message },
    tags: record.policy_tags,
    agent: { name: metadata.product_name, version: metadata.product_version },
    gen_ai: version === '9.4.0' ? toolCallOf(record) : undefined,
  };
}

/** Who asked, on records of a server, and all parties that are known. */
function callerOf(record: AuditRecord): object {
  const { mcp } = record;
  const { ip: address, port, proxy } = clientOf(mcp) ?? {};
  // Elasticsearch takes no address with a zone (`fe80::1%eth0`).
  const ips = [address, proxy].filter((each) => each !== undefined && !each.includes('%'));
  const client = address && { address, ip: address.includes('%') ? undefined : address, port };
  const users = record.actor_chain && actorsOf(record);
  return {
    client,
    related: (users ?? ips[0]) && { user: users, ip: ips.length > 0 ? ips : undefined },
    http: mcp?.http_method && {
      request: { method: mcp.http_method },
      response: { status_code: mcp.http_status },
    },
  };
}

/** Where the record was written, by what service, and the other end of the connection. */
function placeOf(record: AuditRecord): object {
  const { otel_resource: where = {}, mcp } = record;
  const {
    'process.pid': pid,
    'container.id': container,
    'k8s.pod.name': pod,
    'cloud.region': region,
  } = where;
  const { host, ip, port } = peerOf(mcp) ?? {};
  return {
    host: where['host.name'] && {
      name: where['host.name'],
      hostname: where['host.name'],
      id: where['host.id'],
    },
    process: pid === undefined ? undefined : { pid },
    container: container && { id: container },
    cloud: region && { region },
    orchestrator: pod && {
      type: 'kubernetes',
      namespace: where['k8s.namespace.name'],
      cluster: where['k8s.cluster.name'] && { name: where['k8s.cluster.name'] },
      resource: { type: 'pod', name: pod, id: where['k8s.pod.uid'] },
    },
    service: {
      name: record.component,
      environment: record.environment,
      version: where['service.version'],
      node: where['service.instance.id'] && { name: where['service.instance.id'] },
      target: record.server_id && { name: record.server_id, version: record.server_version },
    },
    destination: (host ?? ip) && { address: host ?? ip, ip, port },
  };
}

/** The tool that an agent called: ECS has had fields for it since 9.0. */
function toolCallOf({ mcp }: AuditRecord): object | undefined {
  if (mcp?.method !== 'tools/call' || mcp.tool_name === undefined) return undefined;
  return { operation: { name: 'execute_tool' }, tool: { name: mcp.tool_name, call: { id: mcp.request_id } } };
}

/** `event.type` where ECS expects another one of the category than the compliance log schema's table has. */
const TYPES: Readonly<Partial<Record<EventType, readonly string[]>>> = { EVENT_TRANSPORT_ERROR: ['info'] };

/** One ECS document per record, for Elasticsearch and what reads its documents. */
export function ecsCodec({ framing = 'ndjson', ...options }: EcsOptions = {}): Codec {
  const line = (record: AuditRecord): string => toJsonLine(toEcs(record, options));
  return textCodec(options.version === '9.4.0' ? 'ecs-9' : 'ecs', line, framing);
}
