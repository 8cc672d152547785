import { statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { LogOrigin } from '../../origin.js';
import { createRedactor } from '../../redaction/createRedactor.js';
import { newRecordId, newSpanId, newTraceId } from '../../schema/ids.js';
import type { DraftRecord, EventType, Outcome, RecordError, Severity } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { LogHistory } from '../../sinks/file/segments.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import { ExitCode } from '../shared/command.js';

/** What is known about a reading when it begins. */
export interface Access {
  readonly command: string;
  readonly log: string;
  /** The options of the command line, without those of the access log itself. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly purpose: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All logs that the command reads. */
  readonly logs: readonly string[];
}

/** How a reading ended. */
export interface AccessEnd {
  readonly exitCode: number | 'abandoned';
  /** How many records the command gave out, as far as it knows. */
  readonly records: number | undefined;
}

/** Commands that copy records elsewhere, where reading them is not recorded. */
const EXPORTS: ReadonlySet<string> = new Set(['export', 'evidence', 'export-tiles']);

/** Makes the two records of one reading: one before it, one after it. */
export class AccessRecords {
  readonly #access: Access;
  readonly #started = performance.now();
  readonly #time = new Date().toISOString();
  readonly #operationId = newRecordId();
  readonly #traceId = newTraceId();
  readonly #spanId = newSpanId();
  readonly #environment: string;
  readonly #redactor = createRedactor();
  readonly #origin = new LogOrigin(PACKAGE_NAME);

  constructor(access: Access) {
    this.#access = access;
    this.#environment = environmentOf(access.log);
  }

  /** The record that is written before anything is shown. */
  begin(): DraftRecord {
    const { command } = this.#access;
    const message = `The log is about to be read by ${command}.`;
    return this.#draft({
      outcome: 'OUTCOME_UNSPECIFIED',
      severity: 'SEVERITY_INFO',
      message,
      stage: 'request_received',
    });
  }

  /** The record of how the reading ended. */
  end({ exitCode, records }: AccessEnd): DraftRecord {
    const { command } = this.#access;
    const known = records === undefined ? '' : `: ${records} ${records === 1 ? 'record' : 'records'}`;
    const durationMs = Math.round((performance.now() - this.#started) * 1000) / 1000;
    const message = `The log was read by ${command}${known}.`;
    return this.#draft({ ...judged(exitCode), message, durationMs, end: { exitCode, records } });
  }

  #draft(facts: {
    readonly outcome: Outcome;
    readonly severity: Severity;
    readonly message: string;
    readonly error?: RecordError;
    readonly durationMs?: number;
    readonly stage?: string;
    readonly end?: AccessEnd;
  }): DraftRecord {
    const { command } = this.#access;
    const eventType: EventType = EXPORTS.has(command) ? 'EVENT_DATA_EXPORT' : 'EVENT_FILE_ACCESS';
    const { stage, error } = facts;
    return this.#redactor.record({
      record_id: newRecordId(),
      time: this.#time,
      duration_ms: facts.durationMs ?? 0,
      event_type: eventType,
      outcome: facts.outcome,
      severity: facts.severity,
      sensitivity: 'SENSITIVITY_CONFIDENTIAL',
      actor_id: userName(),
      actor_type: 'user',
      component: PACKAGE_NAME,
      environment: this.#environment,
      resource: 'audit/read',
      message: facts.message,
      correlation_id: this.#traceId,
      trace_id: this.#traceId,
      span_id: this.#spanId,
      session_id: this.#operationId,
      ocsf_class_uid: EVENT_TYPES[eventType].ocsf_class_uid,
      ocsf_activity_id: EVENT_TYPES[eventType].ocsf_activity_id,
      ...(error !== undefined && { error }),
      data: this.#data(facts.end),
      ...(stage !== undefined && { stage }),
      operation_id: this.#operationId,
      metadata: {
        schema_version: 'documented',
        product_name: PACKAGE_NAME,
        product_version: PACKAGE_VERSION,
        vendor_name: PACKAGE_NAME,
      },
      otel_resource: this.#origin.current,
    });
  }

  #data(end: AccessEnd | undefined): object {
    const { command, log, options, purpose, env, logs } = this.#access;
    const uid = process.getuid?.();
    const invoker = env['SUDO_USER'];
    return {
      command,
      log,
      ...(logs.length > 1 && { logs }),
      ...(purpose !== undefined && { purpose }),
      ...(Object.keys(options).length > 0 && { options }),
      ...(end?.records !== undefined && { records: end.records }),
      ...(typeof end?.exitCode === 'number' && { exit_code: end.exitCode }),
      host: hostname(),
      pid: process.pid,
      ...(uid !== undefined && { uid }),
      // sudo sets this variable, but any user can set it too.
      ...(invoker !== undefined && invoker !== '' && { sudo_user: invoker }),
    };
  }
}

function judged(exitCode: AccessEnd['exitCode']): {
  outcome: Outcome;
  severity: Severity;
  error?: RecordError;
} {
  // Reading a log and finding it broken is a success of the reading.
  if (exitCode === ExitCode.ok || exitCode === ExitCode.finding)
    return { outcome: 'OUTCOME_SUCCESS', severity: 'SEVERITY_INFO' };
  if (exitCode === 'abandoned')
    return { outcome: 'OUTCOME_PARTIAL', severity: 'SEVERITY_NOTICE', error: { type: 'abandoned' } };
  const error = { type: `exit_${exitCode}`, code: String(exitCode) };
  return { outcome: 'OUTCOME_FAILURE_ERROR', severity: 'SEVERITY_ERROR', error };
}

/** The name of the account, or its number where it has no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The environment that the log's own newest record names. */
function environmentOf(log: string): string {
  try {
    const stats = statSync(log);
    const last = stats.isFile() ? new LogHistory(log, stats.size).lastRecord() : undefined;
    if (typeof last?.environment === 'string' && last.environment !== '') return last.environment;
  } catch {
    // The command that reads the log reports what is wrong with it.
  }
  return 'unknown';
}
