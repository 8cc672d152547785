import { randomBytes } from 'node:crypto';
import { type Anchor } from '../../integrity/sealing/anchors.js';
import { type Checkpoint } from '../../integrity/tlog/checkpoint.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import type { AuditRecord } from '../../schema/record.js';
import type { Sink } from '../sink.js';

/**
 * Sends checkpoints to a sink, each as a record `audit/checkpoint` whose `data` holds the signed note.
 *
 * @param like A record of the log: who keeps it, and in which environment, is told as it tells it. Without one there is
 * nothing yet to vouch for, and nothing is sent.
 */
export function sinkAnchor(sink: Sink, like: () => AuditRecord | undefined): Anchor {
  // An attempt that is repeated sends the same record, so that a receiver can tell.
  const made = new WeakMap<Checkpoint, AuditRecord>();
  return async (checkpoint) => {
    const model = like();
    if (model === undefined) return;
    const record = made.get(checkpoint) ?? checkpointRecord(checkpoint, model);
    made.set(checkpoint, record);
    const result = (await sink.emit([record])) ?? { status: 'delivered' };
    if (result.status !== 'delivered') throw result.error;
    const [refused] = result.rejected ?? [];
    if (refused !== undefined) throw refused.error;
    await sink.flush?.();
  };
}

function checkpointRecord({ origin, size, note }: Checkpoint, model: AuditRecord): AuditRecord {
  const { ocsf_class_uid, ocsf_activity_id } = EVENT_TYPES.EVENT_CONFIG_CHANGE;
  const now = Date.now();
  const trace = randomBytes(16).toString('hex');
  return {
    record_id: uuidv7(now),
    // Checkpoints of one log are ordered by their size.
    seq: size,
    time: new Date(now).toISOString(),
    duration_ms: 0,
    event_type: 'EVENT_CONFIG_CHANGE',
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    sensitivity: 'SENSITIVITY_INTERNAL',
    actor_id: model.session_id,
    actor_type: 'service',
    component: model.component,
    environment: model.environment,
    resource: 'audit/checkpoint',
    message: `The audit log ${origin} was sealed at ${size} records`,
    correlation_id: trace,
    trace_id: trace,
    span_id: randomBytes(8).toString('hex'),
    session_id: model.session_id,
    ocsf_class_uid,
    ocsf_activity_id,
    data: { checkpoint: note },
    metadata: model.metadata,
  };
}

/** RFC 9562 section 5.7. */
function uuidv7(now: number): string {
  const bytes = Buffer.concat([Buffer.alloc(6), randomBytes(10)]);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
