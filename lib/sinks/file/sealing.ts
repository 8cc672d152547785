import { basename } from 'node:path';
import type { Anchor } from '../../integrity/sealing/anchors.js';
import type { Announcement } from '../../integrity/sealing/announced.js';
import type { LogWriter } from '../../integrity/sealing/evidence.js';
import { MerkleLog } from '../../integrity/sealing/log.js';
import {
  resolveIntegrity,
  type IntegrityOptions,
  type ResolvedIntegrity,
} from '../../integrity/sealing/options.js';
import {
  ofLogHere,
  restarted,
  setAside,
  setTailAside,
  UnaccountedError,
} from '../../integrity/sealing/start.js';
import type { WitnessFetch } from '../../integrity/sealing/witnesses.js';
import type { Checkpoint } from '../../integrity/tlog/checkpoint.js';
import { newRecordId, newSpanId, newTraceId } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { isSink, quietly, type Sink } from '../sink.js';
import type { LineLog, LineLogHooks } from './lineLog.js';
import type { Notices } from './notice.js';

/** Where copies of checkpoints go: see {@link IntegrityOptions.anchor}. Here it may be a sink too. */
type FileAnchor = string | Anchor | Sink;

/**
 * How a {@link FileSink} seals its log.
 *
 * @see docs/integrity.md
 */
export interface FileIntegrityOptions extends Omit<IntegrityOptions, 'anchor'> {
  /**
   * Where copies of checkpoints go, so that whoever holds the log and the key cannot rewrite both: a path on another volume, a
   * callback, or any sink; one, or several. A sink is flushed after each checkpoint; its owner closes it.
   * @defaultValue none
   */
  readonly anchor?: FileAnchor | readonly FileAnchor[];
}

/** What {@link Sealing} needs. */
export interface SealingParts {
  readonly path: string;
  readonly options: FileIntegrityOptions;
  readonly log: LineLog;
  readonly notices: Notices;
  /** Reads the newest record that was in the log at start-up. */
  readonly lastRecord: () => AuditRecord | undefined;
  /** Called when a finished segment is sealed and listed. */
  readonly onFinished?: (() => void) | undefined;
}

/** Seals a file sink's log: hands its lines to a {@link MerkleLog}. */
export class Sealing {
  /** Resolves when lines may be written; rejects when the log is not as its evidence says. */
  readonly ready: Promise<void>;
  #sealed: MerkleLog | undefined;
  #newest: AuditRecord | undefined;

  /** @throws ConfigError for a bad option. */
  constructor({ path, options, log, notices, lastRecord, onFinished }: SealingParts) {
    const like = () => (this.#newest ??= lastRecord());
    const resolved = withoutSpans(resolveIntegrity(withAnchors(options, like)));
    const { generated, vkey } = resolved.signer;
    if (generated !== undefined) notices.add({ kind: 'key-generated', path: generated, detail: vkey });
    const writer = {
      sync: () => log.settle(),
      onError: (error: Error) => notices.add({ kind: 'integrity', path, detail: error.message }),
    };
    this.ready = this.#open({ path, log, notices }, resolved, writer).then((sealed) => {
      this.#sealed = sealed;
      log.attach(hooksOf(sealed, onFinished));
    });
    // The next write reports it. Until then it must not count as an unhandled rejection.
    this.ready.catch(() => undefined);
  }

  /**
   * Opens the existing log. A log that its evidence does not account for is not continued: it is set aside as it is, and a new log
   * begins, under an origin of its own that shows this. Where only its last lines are not accounted for, as after a power cut, they
   * alone are set aside.
   */
  async #open(
    { path, log, notices }: Pick<SealingParts, 'path' | 'log' | 'notices'>,
    resolved: ResolvedIntegrity,
    writer: LogWriter,
  ): Promise<MerkleLog> {
    try {
      return await MerkleLog.open(path, await ofLogHere(path, resolved), writer);
    } catch (error) {
      if (!(error instanceof UnaccountedError)) throw error;
      const time = new Date();
      if (error.unvouched !== undefined) {
        const aside = await setTailAside(path, error.unvouched, time);
        log.check();
        if (aside !== undefined) {
          const detail = `${error.message}, since the machine was started anew: a power cut leaves lines so. None of them is signed; they were moved to ${aside}, and the log goes on without them`;
          notices.add({ kind: 'integrity', path, detail });
          return await this.#open({ path, log, notices }, resolved, writer);
        }
      }
      const folder = await setAside(path, time);
      log.check();
      const anew = restarted(resolved, time);
      const sealed = await MerkleLog.open(path, anew, writer);
      const { name, vkey } = anew.signer;
      const detail = `${error.message}: nothing of it is signed. It was set aside as it is, in ${folder}, and a new log begins under the origin ${name}; its verifier key is ${vkey}`;
      notices.add({ kind: 'integrity', path, detail });
      return sealed;
    }
  }

  get isReady(): boolean {
    return this.#sealed !== undefined;
  }

  /** Whether a checkpoint covers all that is written. */
  get isComplete(): boolean {
    return this.#sealed?.checkpoint?.size === this.#sealed?.size;
  }

  /** Makes a checkpoint over what is written, in case the process ends without closing the log. A failure becomes a notice. */
  async seal(): Promise<void> {
    await this.ready.catch(() => undefined);
    await this.#sealed?.flush();
  }

  /** Remembers the newest record: the records that go to a sink as anchor name actor, component and environment as it does. */
  saw(records: readonly AuditRecord[]): void {
    this.#newest = records.at(-1) ?? this.#newest;
  }
}

function hooksOf(sealed: MerkleLog, onFinished?: () => void): LineLogHooks<Announcement> {
  return {
    onOpen: ({ size }) => sealed.reopened(size),
    beforeLines: (lines) => sealed.announce(lines),
    onSync: () => sealed.syncAnnounced(),
    onSyncNow: () => sealed.syncAnnouncedNow(),
    onLines: (lines, announcement) => sealed.append(lines, announcement),
    onFailed: (announcement) => announcement.withdraw(),
    onRotate: (segment) => void sealed.rotated(basename(segment)).then(onFinished),
    beforeClose: () => sealed.close(),
    onLost: () => sealed.abandon(),
  };
}

function withAnchors(options: FileIntegrityOptions, like: () => AuditRecord | undefined): IntegrityOptions {
  // A copy, because the options may still be anything, null included: they are checked later.
  const { anchor, ...others } = { ...options };
  if (anchor === undefined) return others;
  const anchors = Array.isArray(anchor) ? (anchor as readonly FileAnchor[]) : [anchor as FileAnchor];
  return { ...others, anchor: anchors.map((each) => (isSink(each) ? sinkAnchor(each, like) : each)) };
}

/** Requests to witnesses and time-stamping authorities make no spans, as the delivery of records makes none. */
function withoutSpans(resolved: ResolvedIntegrity): ResolvedIntegrity {
  const quiet =
    (fetch: WitnessFetch): WitnessFetch =>
    (url, init) =>
      quietly(() => fetch(url, init));
  const { witnesses, timestamps } = resolved;
  return {
    ...resolved,
    witnesses: witnesses && { ...witnesses, fetch: quiet(witnesses.fetch) },
    timestamps: timestamps && { ...timestamps, fetch: quiet(timestamps.fetch) },
  };
}

/**
 * Sends checkpoints to a sink, each as a record `audit/checkpoint` whose `data` holds the signed note.
 *
 * @param like - the newest record of the log, whose component, environment and session the checkpoint's record repeats. Without
 * one there is nothing to vouch for yet, and nothing is sent.
 */
function sinkAnchor(sink: Sink, like: () => AuditRecord | undefined): Anchor {
  // A repeated attempt sends the same record, so that a receiver can drop the second one.
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
  const trace = newTraceId();
  return {
    record_id: newRecordId(now),
    // The size orders the checkpoints of a log.
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
    span_id: newSpanId(),
    session_id: model.session_id,
    ocsf_class_uid,
    ocsf_activity_id,
    data: { checkpoint: note },
    metadata: model.metadata,
    ...(model.otel_resource && { otel_resource: model.otel_resource }),
  };
}
