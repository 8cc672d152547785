import { diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../config.js';
import { SinkError } from '../errors.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Redactor } from '../redaction/redactor.js';
import type { DraftRecord } from '../schema/record.js';
import type { LedgerEntry, OperationDetail } from './detail.js';
import { toDraft } from './mapping.js';
import type { OperationRecorder } from './recorder.js';

/** Maps operations to records, redacts them and hands them to a pipeline; one per audit log. */
export class Recording implements OperationRecorder {
  readonly #options: ResolvedOptions;
  readonly #redactor: Redactor;
  readonly #pipeline: Pipeline;

  constructor(options: ResolvedOptions, redactor: Redactor, pipeline: Pipeline) {
    this.#options = options;
    this.#redactor = redactor;
    this.#pipeline = pipeline;
  }

  get needsIntent(): boolean {
    return this.#pipeline.needsIntent;
  }

  begin(detail: OperationDetail): void {
    detail.ledger.set(this, { actorId: this.#resolveActor() });
  }

  intent(detail: OperationDetail): Promise<void> {
    const draft = this.#draft(detail);
    return draft === undefined ? Promise.resolve() : this.#pipeline.acceptIntent(draft);
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
    if (draft !== undefined) this.#pipeline.acceptInBackground(draft);
  }

  /** Tells whoever wants to know of a failure that nobody waits for; a hook that throws itself is only logged. */
  report(error: Error): void {
    const { onError } = this.#options;
    if (onError === undefined) {
      diag.error(`otel-mcp-log: ${error.message}`);
      return;
    }
    try {
      onError(error);
    } catch {
      diag.error(`otel-mcp-log: onError threw while it was told: ${error.message}`);
    }
  }

  #accept(detail: OperationDetail): Promise<void> {
    const draft = this.#draft(detail);
    return draft === undefined
      ? Promise.reject(new SinkError('mapping', 'the operation could not be made into a record'))
      : this.#pipeline.accept(draft);
  }

  /** A record that cannot be made is a bug of ours: it must not break the call, and it must not be silent. */
  #draft(detail: OperationDetail): DraftRecord | undefined {
    try {
      return this.#redactor.record(toDraft(detail, this.#options.settings, this.#entry(detail).actorId));
    } catch (cause) {
      this.report(new SinkError('mapping', 'the operation could not be made into a record', { cause }));
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
      this.report(
        new SinkError('actorId', 'the actorId function threw; the session id stands in', { cause }),
      );
      return undefined;
    }
  }
}
