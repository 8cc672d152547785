import type { ResolvedOptions } from '../config.js';
import { lacksKey, Protector, type ProtectorOptions } from '../erasure/protector.js';
import { AuditError, AuditUnavailableError, RefusedError, SinkError } from '../errors.js';
import type { Actor } from '../identity.js';
import { shared } from '../internal/shared.js';
import { originOf } from '../origin.js';
import { isHeld, type HeldDraft } from '../pipeline/held.js';
import { guardedReport, type Report } from '../pipeline/stats.js';
import { DELIVERED, type Pipeline } from '../pipeline/pipeline.js';
import { totalBytesOf, type Redactor } from '../redaction/createRedactor.js';
import { redactDefinition, withDefinition } from '../redaction/toolDefinition.js';
import { levelFor, resolveLevels, type Levels } from '../redaction/policy/options.js';
import { newRecordId } from '../schema/ids.js';
import type { AuditRecord, DraftRecord } from '../schema/record.js';
import {
  DefinitionMemory,
  keptByAll,
  type ServerIdentity,
  type KeptDefinition,
} from '../tools/definitions.js';
import { ToolWatch } from '../tools/watch.js';
import { chainToSend } from './delegation.js';
import { CallApprovals, toolChanged, toolDefinition } from './toolRecords.js';
import { Dialled, askParties, requestsOf } from './facts.js';
import type { Committer } from './commitments.js';
import { toDraft } from './mapping.js';
import { keepsLog } from './logRecords.js';
import type { ApprovalMeans, RecorderState, OperationDetail, OperationRecorder } from './operation.js';

/** The definitions that are on record, by log: several clients may write to one. */
const definitions = shared('tool-definitions', () => new WeakMap<object, DefinitionMemory>());

/** The policy leaves this operation out (level `None`). */
const SKIPPED = Symbol('skipped');

const TOO_MANY = 'too many tool definitions: further ones are named by their fingerprints, and not kept';

/** Maps operations to records, redacts them and hands them to a pipeline; one per audit log. */
export class Recording implements OperationRecorder {
  readonly keepsNotifications: boolean;
  readonly keepsWaiting: boolean;
  readonly #options: ResolvedOptions;
  readonly #redactor: Redactor;
  readonly #pipeline: Pipeline;
  readonly #levels: Levels;
  readonly #listener: Report;
  readonly #dialled: Dialled;
  readonly #asked: Parameters<typeof askParties>[1];
  readonly #tools: ToolWatch;
  /** Absent where no call needs an approval. */
  readonly #approvals: CallApprovals | undefined;
  /** Absent where the log keeps no definitions. */
  readonly #definitions: DefinitionMemory | undefined;
  readonly #committer: Committer;
  /** Absent where there are no keys of persons. */
  readonly #protector: Protector | undefined;
  #toldOfLimit = false;
  #named: { readonly name: string; readonly shown: string } | undefined;

  /**
   * @throws ConfigError when the tool state file cannot be used.
   */
  constructor(
    options: ResolvedOptions,
    redactor: Redactor,
    pipeline: Pipeline,
    committer: Committer,
    protection?: ProtectorOptions,
  ) {
    this.#options = options;
    this.keepsNotifications = options.notifications;
    this.keepsWaiting = pipeline.keepsWaiting;
    this.#redactor = redactor;
    this.#pipeline = pipeline;
    this.#committer = committer;
    this.#levels = resolveLevels(options.redaction.levels);
    this.#listener = guardedReport(options.onError);
    this.#dialled = new Dialled(redactor);
    this.#asked = {
      options,
      shownSession: (id) => this.#shownSession(id),
      report: (error) => this.report(error),
      withheld: (error) => this.#withheld(error),
    };
    this.#protector = protection && new Protector(protection, (error) => this.#withheld(error));
    this.#tools = new ToolWatch({
      log: pipeline,
      onToolChanged: options.onToolChanged,
      toolState: options.toolState,
      report: (message, cause) => this.report(new AuditError('MCP_LOG_ERR_TOOL_STATE', message, { cause })),
    });
    if (options.approvals !== undefined)
      this.#approvals = new CallApprovals(options.approvals, {
        recorder: this,
        redactor,
        onBehalfOf: options.settings.onBehalfOf,
        server: (detail) => this.#server(detail),
        entry: (detail) => this.#entry(detail),
      });
    if (options.toolDefinitions ?? keepsLog(options)) {
      this.#definitions = definitions.get(pipeline) ?? new DefinitionMemory(keptByAll(pipeline.sinks));
      definitions.set(pipeline, this.#definitions);
    }
  }

  get log(): object {
    return this.#pipeline;
  }

  get needsIntent(): boolean {
    return this.#pipeline.needsIntent;
  }

  propagatesTo(serverAddress: string | undefined): boolean {
    const { propagate } = this.#options;
    return typeof propagate === 'function' ? propagate(serverAddress) : propagate;
  }

  actorsFor(detail: OperationDetail): readonly object[] | undefined {
    const { propagateActors, settings } = this.#options;
    if (propagateActors === false) return undefined;
    const isAllowed = propagateActors === true || propagateActors(detail.connection.serverAddress) === true;
    return isAllowed ? chainToSend(this.#entry(detail).actor, settings.onBehalfOf, detail.served) : undefined;
  }

  commitmentFor(detail: OperationDetail): object | undefined {
    return this.#committer.claim(this.#entry(detail).committed, detail.connection.serverAddress);
  }

  begin(detail: OperationDetail): void {
    // Redacts the server's command now, before the server starts, rather than while the server waits for the client.
    if (detail.method === 'initialize') this.#dialled.by(detail.connection);
    const { actor, concerned } = askParties(detail, this.#asked);
    const { toolName } = detail.subject;
    const isRefused = actor === undefined && this.#options.requireActor;
    const toolFingerprint =
      toolName === undefined
        ? undefined
        : this.#tools.fingerprintOf(detail.connection, () => this.#server(detail), toolName);
    detail.states.push({
      recorder: this,
      actor,
      concerned,
      refusal: isRefused
        ? new RefusedError('actor_required', 'requireActor is set, and the actor is not known')
        : undefined,
      toolFingerprint,
      committed: this.#committer.begin(detail),
    });
    if (toolFingerprint !== undefined)
      this.#keepDefinition(this.#definitions?.used(toolFingerprint), detail, actor);
  }

  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined {
    const { refusal } = this.#entry(detail);
    const { toolName } = detail.subject;
    // The tools of this process's own server need no one's consent to change.
    if (refusal !== undefined || toolName === undefined || detail.side === 'server') return refusal;
    return this.#tools.refusalOf(() => this.#server(detail), toolName);
  }

  listed(detail: OperationDetail, tools: readonly unknown[]): void {
    const { actor } = this.#entry(detail);
    const memory = this.#definitions;
    const redact = (tool: object) => redactDefinition(tool, this.#redactor);
    // The caller waits for the record of the listing, which follows these, and not for these.
    const changes = this.#tools.listed(
      detail.connection,
      this.#server(detail),
      tools,
      (tool, fingerprint) => {
        this.#keepDefinition(memory?.listed(fingerprint, tool, redact), detail, actor);
      },
    );
    for (const change of changes) {
      this.#keepDefinition(memory?.used(change.oldFingerprint), detail, actor);
      this.complete(toolChanged(change, detail, this, actor))?.catch(() => undefined);
    }
    if (memory?.isFull === true && !this.#toldOfLimit) {
      this.#toldOfLimit = true;
      this.report(new AuditError('MCP_LOG_ERR_TOOL_STATE', TOO_MANY));
    }
  }

  intent(detail: OperationDetail): Promise<void> {
    this.#entry(detail).operationId = newRecordId();
    const draft = this.#draft(detail);
    if (draft === undefined)
      return Promise.reject(new AuditUnavailableError('the intent could not be made into a record'));
    if (draft === SKIPPED) return Promise.resolve();
    return isHeld(draft) ? draft.ready.then((each) => this.#acceptIntent(each)) : this.#acceptIntent(draft);
  }

  #acceptIntent(record: DraftRecord): Promise<void> {
    if (!lacksKey(record)) return this.#pipeline.acceptIntent(record);
    return Promise.reject(this.#pipeline.unavailableBecause(new Error('no key for personal values')));
  }

  get asksBeforeCalls(): boolean {
    return this.#approvals !== undefined;
  }

  wantsApproval(detail: OperationDetail, means: ApprovalMeans): boolean {
    return this.#approvals?.wants(detail, means) === true;
  }

  approve(detail: OperationDetail, means: ApprovalMeans): Promise<AuditError | undefined> {
    return this.#approvals?.approve(detail, means) ?? Promise.resolve(undefined);
  }

  complete(detail: OperationDetail): Promise<void> | undefined {
    const entry = this.#entry(detail);
    entry.delivery ??= this.#accept(detail);
    // A promise that has settled would still cost each caller some more promises.
    return entry.delivery === DELIVERED ? undefined : entry.delivery;
  }

  /** Records an operation that an earlier process was about to send when it ended. */
  recordUnknownOutcome(found: AuditRecord): void {
    // Commitments and personal values stay with the intent, to whose id they are bound; `operation_id` leads there.
    const { seq: _, stage: __, truncated: ___, commitments: ____, personal: _____, ...intent } = found;
    this.#pipeline.acceptInBackground({
      ...intent,
      otel_resource: originOf(this.#options.settings, intent.mcp?.side).current,
      record_id: newRecordId(),
      outcome: 'OUTCOME_UNSPECIFIED',
      severity: 'SEVERITY_WARNING',
      message: 'An operation was about to be sent when the process ended; its outcome is unknown.',
      error: { type: 'unknown_outcome' },
    });
  }

  /** Forgets the keys of persons: the log is closed. */
  forgetKeys(): void {
    this.#protector?.close();
  }

  /** Reports a failure to `onError`. `lost` counts the records that it cost. */
  report(error: Error, lost = 0): void {
    this.#listener(error, { lost, records: [] });
  }

  #accept(detail: OperationDetail): Promise<void> {
    const draft = this.#draft(detail);
    this.#settle(detail, draft);
    if (draft === SKIPPED) return DELIVERED;
    return draft === undefined
      ? Promise.reject(new SinkError('mapping', 'the operation could not be made into a record'))
      : this.#pipeline.accept(draft);
  }

  /** Undefined where the record cannot be made: that is a bug of ours, which is reported and must not break the call. */
  #draft(detail: OperationDetail): DraftRecord | HeldDraft | typeof SKIPPED | undefined {
    try {
      const serverAddress = this.#dialled.by(detail.connection);
      const { sessionId } = detail.connection;
      originOf(this.#options.settings, detail.side).learn(detail.trace.resource);
      const entry = this.#entry(detail);
      const { actor, concerned, toolFingerprint, operationId, approvalId } = entry;
      // An intent is a record of its own, with an id and a salt of its own.
      const committed = detail.ending === undefined ? this.#committer.begin(detail) : entry.committed;
      const recordId = committed?.recordId;
      const commitments = committed && this.#committer.end(committed, detail);
      const shown = this.#shownSession(sessionId);
      const requests = requestsOf(detail, this.#pipeline);
      // Field by field: a spread among other fields costs more than the whole mapping.
      const facts = {
        sessionId: shown,
        serverAddress,
        actor,
        toolFingerprint,
        approvalId,
        operationId,
        requests,
        recordId,
        commitments,
      };
      const draft = toDraft(detail, this.#options.settings, facts);
      if (levelFor(this.#levels, draft) === 'None') return SKIPPED;
      const { secrets } = detail;
      const known = secrets === undefined ? { sessionId } : { ...secrets, sessionId };
      const record = this.#redactor.record(draft, known);
      const definition = detail.custom?.definition;
      const whole =
        definition === undefined ? record : withDefinition(record, definition, totalBytesOf(this.#redactor));
      if (this.#protector === undefined) return whole;
      // Where nobody is named, the session stands in for the actor.
      const named = draft.actor_id !== draft.session_id;
      const subject = concerned ?? { id: draft.on_behalf_of ?? draft.actor_id };
      return this.#protector.protect(whole, {
        actor: named ? draft.actor_id : undefined,
        principal: draft.on_behalf_of,
        subject,
      });
    } catch (cause) {
      this.report(new SinkError('mapping', 'the operation could not be made into a record', { cause }), 1);
      return undefined;
    }
  }

  #keepDefinition(
    definition: KeptDefinition | undefined,
    within: OperationDetail,
    actor: Actor | undefined,
  ): void {
    if (definition === undefined) return;
    this.complete(toolDefinition(definition, within, this, actor))?.catch(() => undefined);
  }

  /** Notes that the requests of an operation are on record, or left out by the policy. */
  #settle(detail: OperationDetail, draft: object | typeof SKIPPED | undefined): void {
    const { legs, connection, requestedBy } = detail;
    if (draft === undefined || legs.length === 0 || requestedBy !== undefined) return;
    const ids = legs.map(({ request_id: id }) => id);
    connection.requests?.settled(this.#pipeline, ids, draft === SKIPPED ? 'excluded' : 'recorded');
  }

  #entry(detail: OperationDetail): RecorderState {
    for (const entry of detail.states) if (entry.recorder === this) return entry;
    // For a span of another instrumentation, an actor function can no longer be called in the caller's context.
    const { actor } = this.#options;
    const entry: RecorderState = {
      recorder: this,
      actor: typeof actor === 'object' ? actor : undefined,
      committed: this.#committer.begin(detail),
    };
    detail.states.push(entry);
    return entry;
  }

  #server({ connection }: OperationDetail): ServerIdentity {
    return { name: this.#serverName(connection.serverName), address: this.#dialled.by(connection) };
  }

  /** The server's name, redacted, since it goes to the state file and to hooks. The last one is kept. */
  #serverName(name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    if (this.#named?.name !== name) this.#named = { name, shown: this.#redactor.text(name) };
    return this.#named.shown;
  }

  #shownSession(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#redactor.sessionId(id);
  }

  #withheld(error: AuditError): void {
    this.#pipeline.countWithheld();
    this.report(error);
  }
}
