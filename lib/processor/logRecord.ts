import type { RecordSettings } from '../config.js';
import { newRecordId, newSpanId, newTraceId } from '../schema/ids.js';
import type { DraftRecord, Outcome, Severity } from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';
import { recordMetadata } from './metadata.js';

/** What is to be said of the log itself. */
export interface LogEvent {
  /** Becomes the resource: `audit/{what}`. */
  readonly what: string;
  readonly message: string;
  readonly outcome: Outcome;
  readonly severity: Severity;
  readonly data?: unknown;
}

/** A record about the log itself: nobody's operation, so that its actor is the component that writes the log. */
export function logRecord(settings: RecordSettings, event: LogEvent): DraftRecord {
  const { component, environment, sensitivity, profile, policyTags, sessionId } = settings;
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
  };
}
