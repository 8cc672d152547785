import type { ResolvedOptions } from '../config.js';
import { AuditUnavailableError, SinkError } from '../errors.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import { guardedReport, type Report } from '../pipeline/report.js';
import { levelFor, resolveLevels, type Levels } from '../redaction/levels.js';
import type { Redactor } from '../redaction/redactor.js';
import { newRecordId } from '../schema/ids.js';
import type { AuditRecord, DraftRecord } from '../schema/record.js';
import type { LedgerEntry, OperationDetail } from './detail.js';
import { toDraft } from './mapping.js';
import type { OperationRecorder } from './recorder.js';

/** The policy says that this operation is not to be recorded (level `None`). */
const SKIPPED = Symbol('skipped');

/** Maps operations to records, redacts them and hands them to a pipeline; one per audit log. */
export class Recording implements OperationRecorder {
  readonly #options: ResolvedOptions;
  readonly #redactor: Redactor;
  readonly #pipeline: Pipeline;
  readonly #levels: Levels;
  /** Tells of a failure that nobody waits for. */
  readonly #report: Report;

  constructor(options: ResolvedOptions, redactor: Redactor, pipeline: Pipeline) {
    this.#options = options;
    this.#redactor = redactor;
    this.#pipeline = pipeline;
    this.#levels = resolveLevels(options.redaction.levels);
    this.#report = guardedReport(options.onError);
  }

  get needsIntent(): boolean {
    return this.#pipeline.needsIntent;
  }

  begin(detail: OperationDetail): void {
    detail.ledger.set(this, { actorId: this.#resolveActor() });
  }

  intent(detail: OperationDetail): Promise<void> {
    this.#entry(detail).operationId = newRecordId();
    const draft = this.#draft(detail);
    if (draft === undefined)
      return Promise.reject(new AuditUnavailableError('the intent could not be made into a record'));
    return draft === SKIPPED ? Promise.resolve() : this.#pipeline.acceptIntent(draft);
  }

  complete(detail: OperationDetail): Promise<void> {
    const entry = this.#entry(detail);
    return (entry.delivery ??= this.#accept(detail));
  }

  settle(): Promise<void> {
    return this.#pipeline.forceFlush();
  }

  /** Records an operation whose caller cannot be made to wait. */
  completeInBackground(detail: OperationDetail): void {
    const entry = this.#entry(detail);
    if (entry.delivery !== undefined) return;
    entry.delivery = Promise.resolve();
    const draft = this.#draft(detail);
    if (draft !== undefined && draft !== SKIPPED) this.#pipeline.acceptInBackground(draft);
  }

  /** Tells of an operation of an earlier process that was about to be sent when that process ended. */
  recordUnknownOutcome({ seq: _, stage: __, truncated: ___, ...intent }: AuditRecord): void {
    this.#pipeline.acceptInBackground({
      ...intent,
      record_id: newRecordId(),
      outcome: 'OUTCOME_UNSPECIFIED',
      severity: 'SEVERITY_WARNING',
      message: 'An operation was about to be sent when the process ended; its outcome is unknown.',
      error: { type: 'unknown_outcome' },
    });
  }

  #accept(detail: OperationDetail): Promise<void> {
    const draft = this.#draft(detail);
    if (draft === SKIPPED) return Promise.resolve();
    return draft === undefined
      ? Promise.reject(new SinkError('mapping', 'the operation could not be made into a record'))
      : this.#pipeline.accept(draft);
  }

  /** A record that cannot be made is a bug of ours: it must not break the call, and it must not be silent. */
  #draft(detail: OperationDetail): DraftRecord | typeof SKIPPED | undefined {
    try {
      const draft = toDraft(detail, this.#options.settings, this.#entry(detail));
      return levelFor(this.#levels, draft) === 'None' ? SKIPPED : this.#redactor.record(draft);
    } catch (cause) {
      const error = new SinkError('mapping', 'the operation could not be made into a record', { cause });
      this.#report(error, { lost: 1, records: [] });
      return undefined;
    }
  }

  #entry(detail: OperationDetail): LedgerEntry {
    let entry = detail.ledger.get(this);
    if (entry === undefined) detail.ledger.set(this, (entry = {}));
    return entry;
  }

  #resolveActor(): string | undefined {
    try {
      const actor: unknown = this.#options.actor();
      return typeof actor === 'string' && actor !== '' ? actor : undefined;
    } catch (cause) {
      const error = new SinkError('actorId', 'the actorId function threw; the session id stands in', {
        cause,
      });
      this.#report(error, { lost: 0, records: [] });
      return undefined;
    }
  }
}
