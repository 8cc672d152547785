import { createHash } from 'node:crypto';
import type { RecordSettings, ResolvedOptions } from '../config.js';
import { shared } from '../internal/shared.js';
import { componentOf, originOf, type Side } from '../origin.js';
import type { Ending } from '../pipeline/lifecycle.js';
import { canonicalJson } from '../schema/canonicalJson.js';
import { newRecordId, newSpanId, newTraceId } from '../schema/ids.js';
import type { DraftRecord, Outcome, Severity } from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';
import { sinkName, type Sink } from '../sinks/sink.js';
import { PACKAGE_VERSION } from '../version.js';
import { recordMetadata } from './mapping.js';

/** Options whose values are secrets. The digest covers whether they are set. */
const SECRET = new Set(['hmacKey']);

/**
 * The record that a log begins with in each process: what is patched and how, the versions, the policy, and whether the log before it
 * ended with `audit/stop`. It is made with the first other record, so that a process that audits nothing writes nothing.
 */
export function startRecord(options: ResolvedOptions, side: Side, commitments?: string): DraftRecord {
  return logRecord(options.settings, side, {
    what: 'start',
    message: 'The audit log begins in this process.',
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    data: { ...inForce(options, commitments), ...previous(options) },
  });
}

/** The record that a log ends with: why it ends, and what was patched and in force then. */
export function stopRecord(
  options: ResolvedOptions,
  side: Side,
  commitments: string,
  ending: Ending,
): DraftRecord {
  return logRecord(options.settings, side, {
    what: 'stop',
    message: ENDED[ending.ended_by],
    outcome: 'OUTCOME_SUCCESS',
    severity: 'error_type' in ending ? 'SEVERITY_ERROR' : 'SEVERITY_INFO',
    data: { ...ending, ...inForce(options, commitments) },
  });
}

const ENDED: Readonly<Record<Ending['ended_by'], string>> = {
  shutdown: 'The audit log was shut down in this process.',
  signal: 'The audit log ends: a signal ends the process.',
  client_closed: 'The audit log ends: the client has left the relay.',
  server_exit: 'The audit log ends: the server behind the relay has ended.',
  process_exit: 'The audit log ends: the process exits.',
  natural_exit: 'The audit log ends: the process has nothing left to do.',
  uncaught_exception: 'The audit log ends: an exception that nothing caught ends the process.',
  unhandled_rejection: 'The audit log ends: a rejected promise that nothing handled ends the process.',
};

/** How the log was left that this one continues; nothing where it is new. */
function previous({ pipeline }: ResolvedOptions): object {
  for (const entry of pipeline.sinks) {
    const { lastResource, lastSeq } = 'emit' in entry ? entry : entry.sink;
    if (lastResource !== undefined)
      return { previous: { stopped: lastResource === 'audit/stop', last_seq: lastSeq } };
  }
  return {};
}

function inForce(options: ResolvedOptions, commitments: string | undefined): object {
  const { settings, pipeline, redaction } = options;
  const { mode = 'blocking', acks, requiredSinks, overflow } = pipeline;
  return {
    patched: patchedClasses(),
    ...(relays.size > 0 && { relays: [...relays.values()] }),
    version: PACKAGE_VERSION,
    pid: process.pid,
    node: process.version,
    policy: {
      sampling: 'none: every operation is recorded, whatever the sampler of its trace says',
      redaction_sha256: policyDigest(redaction),
      ...(redaction.levels !== undefined && { levels: redaction.levels }),
      include_outputs: settings.includeOutputs,
      record_meta: settings.recordMeta,
      require_actor: options.requireActor,
      foreign_spans: options.foreignSpans,
      propagate: inWords(options.propagate),
      propagate_actors: inWords(options.propagateActors),
      tool_state: options.toolState !== undefined,
      tool_definitions: options.toolDefinitions ?? keepsLog(options),
      commitments,
      propagate_commitments: inWords(options.propagateCommitments),
      mode,
      ...(acks !== undefined && { acks }),
      ...(requiredSinks !== undefined && { required_sinks: requiredSinks }),
      ...(overflow !== undefined && { overflow }),
      ...(options.erasure !== undefined && { encrypted_fields: options.erasure.fields }),
      sinks: pipeline.sinks.map((entry) => ('emit' in entry ? sinkData(entry) : entryData(entry))),
    },
  };
}

function inWords(propagate: ResolvedOptions['propagate']): boolean | string {
  return typeof propagate === 'function' ? 'by server' : propagate;
}

/** Whether a log has a start record by default: where a sink keeps the log and the next process continues it. */
export function keepsLog({ pipeline }: ResolvedOptions): boolean {
  return pipeline.sinks.some((entry) => ('emit' in entry ? entry : entry.sink).keepsLog === true);
}

function entryData({
  sink,
  ...treatment
}: Exclude<ResolvedOptions['pipeline']['sinks'][number], Sink>): object {
  const { filter, mode, required } = treatment;
  return {
    ...sinkData(sink),
    ...(filter !== undefined && { filtered: true }),
    ...(mode !== undefined && { mode }),
    ...(required !== undefined && { required }),
  };
}

function sinkData(sink: Sink): object {
  const { destination } = sink;
  return { name: sinkName(sink), ...(destination !== undefined && { destination }) };
}

/**
 * SHA-256 (hex) of a redaction policy as canonical JSON, patterns by their text and functions by theirs: two processes with one
 * policy have one digest. The defaults follow from the version of this package, which each record has.
 */
function policyDigest(policy: object): string {
  return createHash('sha256')
    .update(canonicalJson(plain(policy)))
    .digest('hex');
}

function plain(value: unknown): unknown {
  if (value instanceof RegExp) return { regex: value.source, flags: value.flags };
  if (typeof value === 'function') return { function: Function.prototype.toString.call(value) };
  if (value instanceof Map || value instanceof Set) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  const entries = Object.entries(value).map(([key, member]): [string, unknown] => [
    key,
    SECRET.has(key) ? member !== undefined : plain(member),
  ]);
  return Object.fromEntries(entries);
}

/** An event of the log itself. */
export interface LogEvent {
  /** Becomes the resource: `audit/{what}`. */
  readonly what: string;
  readonly message: string;
  readonly outcome: Outcome;
  readonly severity: Severity;
  readonly data?: unknown;
}

/** A record about the log itself. Its actor is the component that writes the log: that of the side whose log it is. */
export function logRecord(settings: RecordSettings, side: Side, event: LogEvent): DraftRecord {
  const { environment, sensitivity, profile, policyTags, sessionId } = settings;
  const component = componentOf(settings, side);
  const eventType = 'EVENT_CONFIG_CHANGE';
  const traceId = newTraceId();
  return {
    record_id: newRecordId(),
    time: new Date().toISOString(),
    duration_ms: 0,
    event_type: eventType,
    outcome: event.outcome,
    severity: event.severity,
    sensitivity,
    actor_id: component,
    actor_type: 'service',
    component,
    environment,
    resource: `audit/${event.what}`,
    message: event.message,
    correlation_id: traceId,
    trace_id: traceId,
    span_id: newSpanId(),
    session_id: sessionId ?? component,
    ...(policyTags.length > 0 && { policy_tags: policyTags }),
    ocsf_class_uid: EVENT_TYPES[eventType].ocsf_class_uid,
    ocsf_activity_id: EVENT_TYPES[eventType].ocsf_activity_id,
    ...(event.data !== undefined && { data: event.data }),
    metadata: recordMetadata(profile),
    otel_resource: originOf(settings, side).current,
  };
}

/** A class of MCP clients or servers that is patched, and by what. */
export interface PatchedClass {
  /** What asked for it: `withLogging`, `instrumentation` (also by `register` and `hook`) or `instrumentClient`. */
  readonly how: 'withLogging' | 'instrumentation' | 'instrumentClient';
  /** The class: `Client`, `Server` or `McpServer`. */
  readonly class: 'Client' | 'Server' | 'McpServer';
  /** The package that the class is from. */
  readonly sdk: string;
  /** Its version, where the way it was loaded tells. */
  readonly version?: string | undefined;
  /** The methods that are wrapped. */
  readonly methods: readonly string[];
}

const patched = shared('patched', () => new Map<string, PatchedClass>());

/** Notes what was patched, for the record that a log begins with. */
export function notePatched(found: PatchedClass): void {
  const key = (version: string | undefined) => [found.how, found.sdk, found.class, version].join(' ');
  const ofAnyVersion = [...patched.values()].some(
    (other) => other.how === found.how && other.sdk === found.sdk && other.class === found.class,
  );
  // A class may be patched before its version is known, and again afterwards.
  if (found.version === undefined && ofAnyVersion) return;
  patched.delete(key(undefined));
  patched.set(key(found.version), found);
}

/** What has been patched in this process so far. */
function patchedClasses(): readonly PatchedClass[] {
  return [...patched.values()];
}

/** A relay of this process: between which transports it stands, where it was started, and by whom. */
export interface RelayFacts {
  readonly client: 'stdio' | 'http';
  readonly server: 'stdio' | 'http';
  readonly cwd: string;
  /** The operating system's user; absent where that has no name for them. */
  readonly user?: string | undefined;
}

const relays = shared('relays', () => new Map<string, RelayFacts>());

/** Notes a relay, for the record that a log begins with. */
export function noteRelay(facts: RelayFacts): void {
  relays.set(JSON.stringify(facts), facts);
}
