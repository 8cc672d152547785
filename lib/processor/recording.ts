import { context, diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../config.js';
import { AuditError, RefusedError, SinkError } from '../errors.js';
import { askActor, type Actor } from '../identity.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Redactor } from '../redaction/redactor.js';
import type { DraftRecord } from '../schema/record.js';
import type { ServerIdentity } from '../tools/memory.js';
import { ToolWatch } from '../tools/watch.js';
import { Dialled } from './dialled.js';
import type { LedgerEntry, OperationDetail } from './detail.js';
import { sessionIdOf, toDraft } from './mapping.js';
import type { OperationRecorder } from './recorder.js';
import { toolChanged } from './toolChanged.js';

/** Maps operations to records, redacts them and hands them to a pipeline; one per audit log. */
export class Recording implements OperationRecorder {
  readonly #options: ResolvedOptions;
  readonly #redactor: Redactor;
  readonly #pipeline: Pipeline;
  readonly #dialled: Dialled;
  readonly #tools: ToolWatch;

  /**
   * @throws ConfigError when the tool state file cannot be used.
   */
  constructor(options: ResolvedOptions, redactor: Redactor, pipeline: Pipeline) {
    this.#options = options;
    this.#redactor = redactor;
    this.#pipeline = pipeline;
    this.#dialled = new Dialled(redactor);
    this.#tools = new ToolWatch({
      onToolChanged: options.onToolChanged,
      toolState: options.toolState,
      report: (message, cause) => this.report(new AuditError('MCP_LOG_ERR_TOOL_STATE', message, { cause })),
    });
  }

  get needsIntent(): boolean {
    return this.#pipeline.needsIntent;
  }

  begin(detail: OperationDetail): void {
    const actor = this.#resolveActor(detail);
    const { toolName } = detail.subject;
    detail.ledger.set(this, {
      actor,
      ...(actor === undefined &&
        this.#options.requireActor && {
          refusal: new RefusedError('actor_required', 'requireActor is set, and the actor is not known'),
        }),
      ...(toolName !== undefined && {
        toolFingerprint: this.#tools.fingerprintOf(detail.connection, () => this.#server(detail), toolName),
      }),
    });
  }

  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined {
    const { refusal } = this.#entry(detail);
    const { toolName } = detail.subject;
    if (refusal !== undefined || toolName === undefined) return refusal;
    return this.#tools.refusalOf(() => this.#server(detail), toolName);
  }

  listed(detail: OperationDetail, tools: readonly unknown[]): void {
    const { actor } = this.#entry(detail);
    for (const change of this.#tools.listed(detail.connection, this.#server(detail), tools))
      this.completeInBackground(toolChanged(change, detail, this, actor));
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
      const { actor, toolFingerprint } = this.#entry(detail);
      const serverAddress = this.#dialled.by(detail.connection);
      return this.#redactor.record(
        toDraft(detail, this.#options.settings, { actor, toolFingerprint, serverAddress }),
      );
    } catch (cause) {
      this.report(new SinkError('mapping', 'the operation could not be made into a record', { cause }));
      return undefined;
    }
  }

  #entry(detail: OperationDetail): LedgerEntry {
    let entry = detail.ledger.get(this);
    if (entry === undefined) {
      // What others have traced did not begin here: a function can no longer be asked in its caller's context.
      const { actor } = this.#options;
      entry = typeof actor === 'object' ? { actor } : {};
      detail.ledger.set(this, entry);
    }
    return entry;
  }

  #server({ connection }: OperationDetail): ServerIdentity {
    return { name: connection.serverName, address: this.#dialled.by(connection) };
  }

  #resolveActor({ method, resource, subject, connection }: OperationDetail): Actor | undefined {
    const { actor: known, settings } = this.#options;
    if (typeof known !== 'function') return known;
    const { actor, problem } = askActor(known, {
      method,
      resource,
      toolName: subject.toolName,
      sessionId: sessionIdOf(connection, settings),
      serverName: connection.serverName,
      context: context.active(),
    });
    if (problem !== undefined) {
      const { message, cause } = problem;
      this.report(new AuditError('MCP_LOG_ERR_ACTOR', message, { cause }));
    }
    return actor;
  }
}
