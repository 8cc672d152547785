import { EVENT_TYPES } from '../../lib/schema/tables.js';
import type { AuditRecord, EventType, Outcome, Severity } from '../../lib/schema/record.js';
import { hex, pick, randomNumbers, uuid } from './randomNumbers.js';
import { ACTORS, HOSTILE_VALUES, SERVERS, type Server } from './sampleWorld.js';

/** What a made-up log is like. The same options give the same bytes. */
export interface SampleLogOptions {
  readonly records: number;
  readonly seed?: number;
  /** Which of several processes wrote it: they share traces, and each counts for itself. */
  readonly process?: number;
  /** Milliseconds from one record to the next, on average. */
  readonly stepMs?: number;
  /** When it begins. */
  readonly start?: string;
  /** Values that try to break out of whatever shows them. */
  readonly hostile?: boolean;
  /** Leaves out some records, with a gap record for one of the holes only. */
  readonly gaps?: boolean;
}

/** Makes the records of a log, one after the other. */
export function* sampleLog(options: SampleLogOptions): Generator<AuditRecord> {
  const { records, seed = 1, process = 0, stepMs = 4000, start = '2026-01-05T06:00:00.000Z' } = options;
  const random = randomNumbers(seed * 7919 + process);
  const state = {
    random,
    seq: 0,
    time: Date.parse(start),
    process,
    trace: '',
    root: '',
    left: 0,
    operation: 0,
  };
  for (let index = 0; index < records; index++) {
    state.time += Math.max(1, Math.round(stepMs * 2 * random() * daily(state.time)));
    if (options.gaps === true && index === Math.floor(records * 0.3)) state.seq += 7;
    if (options.gaps === true && index === Math.floor(records * 0.6)) {
      state.seq += 3;
      yield gapRecord(state, 3);
      continue;
    }
    yield sampleOperation(state, index, records, options);
  }
}

interface State {
  readonly random: () => number;
  readonly process: number;
  seq: number;
  time: number;
  trace: string;
  root: string;
  left: number;
  operation: number;
}

function daily(time: number): number {
  const hour = (time / 3_600_000) % 24;
  return hour > 7 && hour < 19 ? 0.6 : 2.4;
}

function base(
  state: State,
): Omit<
  AuditRecord,
  'event_type' | 'outcome' | 'severity' | 'resource' | 'message' | 'ocsf_class_uid' | 'ocsf_activity_id'
> {
  const { random } = state;
  let root = false;
  if (state.left-- <= 0) {
    root = state.process === 0;
    // Every process of a fleet takes part in the same traces: their ids follow from their number alone.
    state.trace = hex(randomNumbers(1000 + state.operation), 32);
    state.root = hex(randomNumbers(5000 + state.operation), 16);
    state.operation++;
    state.left = 2 + Math.floor(random() * 5);
  }
  const [actor, type] = pick(
    random,
    ACTORS.map(([id, kind, share]) => [[id, kind] as const, share] as const),
  );
  return {
    record_id: uuid(random, state.time),
    seq: state.seq++,
    time: new Date(state.time).toISOString(),
    duration_ms: Math.round(1000 * Math.exp(1 + 4 * random() * random() + random())) / 1000,
    sensitivity: pick(random, [
      ['SENSITIVITY_INTERNAL', 7],
      ['SENSITIVITY_CONFIDENTIAL', 2],
      ['SENSITIVITY_RESTRICTED', 1],
    ] as const),
    actor_id: actor,
    actor_type: type,
    component: `agent-${state.process}`,
    environment: 'production',
    correlation_id: state.trace,
    trace_id: state.trace,
    ...(root ? { span_id: state.root } : { span_id: hex(random, 16), parent_span_id: state.root }),
    session_id: `session-${state.process}-${Math.floor(state.seq / 200)}`,
    policy_tags: ['soc2', 'pci'],
    metadata: {
      schema_version: '1.0.0',
      product_name: 'otel-mcp-log',
      product_version: '0.1.0',
      vendor_name: 'otel-mcp-log',
    },
  };
}

function typed(
  event: EventType,
): Pick<AuditRecord, 'event_type' | 'ocsf_class_uid' | 'ocsf_activity_id' | 'otel_operation_name'> {
  const { ocsf_class_uid, ocsf_activity_id, otel_operation_name } = EVENT_TYPES[event];
  return {
    event_type: event,
    ocsf_class_uid,
    ocsf_activity_id,
    ...(otel_operation_name === null ? {} : { otel_operation_name }),
  };
}

function gapRecord(state: State, lost: number): AuditRecord {
  return {
    ...base(state),
    ...typed('EVENT_CONFIG_CHANGE'),
    outcome: 'OUTCOME_FAILURE_ERROR',
    severity: 'SEVERITY_ERROR',
    resource: 'audit/gap',
    message: `${lost} records could not be delivered`,
    stage: 'gap',
    data: {
      count: lost,
      first_time: new Date(state.time - 60_000).toISOString(),
      last_time: new Date(state.time).toISOString(),
      cause: 'sink file: no space left on the device',
    },
  };
}

/** What becomes of an operation; now and then a spell in which much fails. */
function fate(
  state: State,
  actor: string,
  progress: number,
): readonly [Outcome, Severity, AuditRecord['error']] {
  const trouble = progress > 0.62 && progress < 0.68 ? 8 : 1;
  const mallory = actor.startsWith('mallory') ? 20 : 1;
  const outcome = pick<Outcome>(state.random, [
    ['OUTCOME_SUCCESS', 940],
    ['OUTCOME_FAILURE_ERROR', 30 * trouble],
    ['OUTCOME_FAILURE_DENIED', 8 * mallory],
    ['OUTCOME_FAILURE_UNAUTHORIZED', 4 * mallory],
    ['OUTCOME_PARTIAL', 3],
    ['OUTCOME_UNSPECIFIED', 0.4],
  ]);
  if (outcome === 'OUTCOME_SUCCESS') return [outcome, 'SEVERITY_INFO', undefined];
  if (outcome === 'OUTCOME_PARTIAL')
    return [outcome, 'SEVERITY_NOTICE', { type: 'abandoned', message: 'The caller stopped reading' }];
  if (outcome === 'OUTCOME_UNSPECIFIED')
    return [
      outcome,
      'SEVERITY_WARNING',
      { type: 'unknown_outcome', message: 'The process ended before the operation did' },
    ];
  if (outcome === 'OUTCOME_FAILURE_DENIED')
    return [outcome, 'SEVERITY_WARNING', { type: '403', code: '403', message: 'Insufficient scope' }];
  if (outcome === 'OUTCOME_FAILURE_UNAUTHORIZED')
    return [outcome, 'SEVERITY_WARNING', { type: '401', code: '401', message: 'Token expired' }];
  return [
    outcome,
    'SEVERITY_ERROR',
    pick(state.random, [
      [{ type: 'tool_error', message: 'No such file' }, 5],
      [{ type: 'timeout', message: 'No answer within 60000 ms' }, 3],
      [{ type: '-32602', code: '-32602', message: 'Invalid arguments' }, 2],
    ] as const),
  ];
}

function sampleOperation(
  state: State,
  index: number,
  records: number,
  { hostile = false }: SampleLogOptions,
): AuditRecord {
  const common = base(state);
  const { random } = state;
  const server = pick(
    random,
    SERVERS.map((item) => [item, item.share] as const),
  );
  const parties = {
    client_id: 'example-agent',
    client_version: '1.0.0',
    server_id: server.id,
    server_version: server.version,
  };
  if (index === 0) return logRecord(common, 'audit/start', 'The audit log starts');
  if (index % 4999 === 2500) return { ...toolChanged(common, server), ...parties };
  const [outcome, severity, error] = fate(state, common.actor_id, index / records);
  const record: AuditRecord = {
    ...common,
    ...operation(random, server, index),
    outcome,
    severity,
    ...parties,
    ...(error && { error }),
  };
  if (outcome === 'OUTCOME_FAILURE_ERROR' && error?.type === 'timeout')
    record.duration_ms = 60_000 + random() * 20;
  return hostile && index % 5 === 1
    ? poison(record, HOSTILE_VALUES[Math.floor(index / 5) % HOSTILE_VALUES.length] ?? '')
    : record;
}

function operation(
  random: () => number,
  server: Server,
  index: number,
): Pick<AuditRecord, 'event_type' | 'resource' | 'message' | 'mcp' | 'ocsf_class_uid' | 'ocsf_activity_id'> {
  const wire = {
    protocol_version: '2025-06-18',
    request_id: String(index),
    transport: server.transport,
    server_address: server.address,
  };
  const kind = pick(random, [
    ['call', 70],
    ['read', 16],
    ['list', 7],
    ['login', 4],
    ['logout', 3],
  ] as const);
  if (kind === 'call') {
    const tool = server.tools[Math.floor(random() * random() * server.tools.length)] ?? server.tools[0];
    return {
      ...typed('EVENT_TOOL_INVOCATION'),
      resource: `tools/${tool}`,
      message: `Called tool ${tool} on ${server.id}`,
      mcp: {
        method: 'tools/call',
        ...wire,
        tool_name: tool,
        tool_arguments: {
          path: `/srv/data/${Math.floor(random() * 5000)}.json`,
          limit: Math.floor(random() * 100),
          password: '[REDACTED]',
        },
        tool_fingerprint: hex(randomNumbers(tool.length), 64),
      },
    };
  }
  if (kind === 'read') {
    const uri = server.resources[Math.floor(random() * server.resources.length)] ?? server.resources[0];
    return {
      ...typed('EVENT_CONTEXT_ACCESS'),
      resource: uri,
      message: `Read a resource of ${server.id}`,
      mcp: { method: 'resources/read', ...wire, resource_uri: uri },
    };
  }
  if (kind === 'list')
    return {
      ...typed('EVENT_TOOL_INVOCATION'),
      resource: 'tools/list',
      message: `Listed the tools of ${server.id}`,
      mcp: { method: 'tools/list', ...wire },
    };
  if (kind === 'login')
    return {
      ...typed('EVENT_LOGIN'),
      resource: 'session/initialize',
      message: `Connected to ${server.id}`,
      mcp: { method: 'initialize', ...wire },
    };
  return {
    ...typed('EVENT_LOGOUT'),
    resource: 'session/close',
    message: `Left ${server.id}`,
    mcp: { method: 'close', ...wire },
  };
}

function logRecord(common: ReturnType<typeof base>, resource: string, message: string): AuditRecord {
  return {
    ...common,
    ...typed('EVENT_CONFIG_CHANGE'),
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    resource,
    message,
  };
}

function toolChanged(common: ReturnType<typeof base>, server: Server): AuditRecord {
  const tool = server.tools[0];
  return {
    ...logRecord(common, 'audit/tool-changed', `The definition of tool ${tool} of ${server.id} has changed`),
    severity: 'SEVERITY_WARNING',
    mcp: { method: 'tools/list', tool_name: tool, tool_fingerprint: 'b'.repeat(64) },
    data: { tool_name: tool, previous_fingerprint: 'a'.repeat(64), fingerprint: 'b'.repeat(64) },
  };
}

/** Puts a hostile text wherever a caller's or a server's text can stand. */
function poison(record: AuditRecord, text: string): AuditRecord {
  return {
    ...record,
    actor_id: text,
    resource: `tools/${text}`,
    message: text,
    session_id: text,
    server_id: text,
    component: text,
    error: { type: text, message: text },
    mcp: { method: 'tools/call', tool_name: text, tool_arguments: { [text]: text }, server_address: text },
    data: { [text]: [text] },
  };
}
