import type { Actor } from '../identity.js';
import type { KeptDefinition, ServerIdentity } from '../tools/definitions.js';
import type { ToolChange } from '../tools/watch.js';
import type {
  CustomFacts,
  OperationDetail,
  OperationRecorder,
  ApprovalMeans,
  RecorderState,
} from './operation.js';
import { RefusedError, type AuditError } from '../errors.js';
import type { Redactor } from '../redaction/createRedactor.js';
import { newRecordId } from '../schema/ids.js';
import type { ResolvedApprovals } from '../tools/approval.js';
import { Approvals, type ApprovalOutcome, type CallToApprove } from '../tools/approvals.js';

/** What a record about a tool is about. */
interface ToolEvent {
  /** Also the resource. */
  readonly method: 'audit/tool-changed' | 'audit/tool-definition' | 'audit/approval';
  readonly summary: string;
  readonly custom: CustomFacts;
}

/** A tool that changed, as an operation in the trace of the listing that showed it. */
export function toolChanged(
  change: ToolChange,
  listing: OperationDetail,
  recorder: OperationRecorder,
  actor: Actor | undefined,
): OperationDetail {
  const data = {
    tool: change.tool,
    ...(change.serverAddress !== undefined && { server_address: change.serverAddress }),
    old_fingerprint: change.oldFingerprint,
    new_fingerprint: change.newFingerprint,
    changed_fields: change.fields,
  };
  const event: ToolEvent = {
    method: 'audit/tool-changed',
    summary: `The definition of tool ${change.tool} changed`,
    custom: { severity: 'SEVERITY_WARNING', data },
  };
  return toolEvent(event, listing, recorder, actor);
}

/** The definition of a tool, as an operation in the trace of the listing that showed it or of the call that uses it. */
export function toolDefinition(
  definition: KeptDefinition,
  within: OperationDetail,
  recorder: OperationRecorder,
  actor: Actor | undefined,
): OperationDetail {
  const { tool, fingerprint, sha256 } = definition;
  const event: ToolEvent = {
    method: 'audit/tool-definition',
    summary: `The definition of tool ${tool}, as the server listed it`,
    custom: { data: { tool, fingerprint, definition_sha256: sha256 }, definition },
  };
  return toolEvent(event, within, recorder, actor);
}

/** A record about a tool, in the trace of another operation. */
function toolEvent(
  { method, summary, custom }: ToolEvent,
  within: OperationDetail,
  recorder: OperationRecorder,
  actor: Actor | undefined,
): OperationDetail {
  return {
    method,
    event: { documented: 'EVENT_CONFIG_CHANGE', '0.2': 'EVENT_CONFIG_CHANGE' },
    resource: method,
    summary,
    subject: {},
    connection: within.connection,
    side: within.side,
    startTime: Date.now(),
    trace: within.trace,
    ending: { outcome: 'OUTCOME_SUCCESS', durationMs: 0 },
    legs: [],
    custom,
    recorders: [recorder],
    states: [{ recorder, actor }],
  };
}

/** What approvals need of the log that wants them. */
interface LogParts {
  readonly recorder: OperationRecorder;
  readonly redactor: Redactor;
  readonly onBehalfOf: string | undefined;
  readonly server: (detail: OperationDetail) => ServerIdentity;
  readonly entry: (detail: OperationDetail) => RecorderState;
}

/** Gets the approvals that one log wants for calls of tools, and records the decisions. */
export class CallApprovals {
  readonly #approvals: Approvals;
  readonly #log: LogParts;

  constructor(options: ResolvedApprovals, log: LogParts) {
    this.#approvals = new Approvals(options);
    this.#log = log;
  }

  /** Whether a call must have an approval first. */
  wants(detail: OperationDetail, means: ApprovalMeans): boolean {
    return this.#approvals.wants(this.#callOf(detail, means));
  }

  /** See {@link OperationRecorder.approve}. */
  async approve(detail: OperationDetail, means: ApprovalMeans): Promise<AuditError | undefined> {
    const { recorder, entry } = this.#log;
    const outcome = await this.#decide(this.#callOf(detail, means));
    // Nobody decided, and nothing will be sent.
    if (outcome.isGivenUp === true) return undefined;
    const state = entry(detail);
    state.approvalId = outcome.id;
    const decision = toolApproval(outcome, detail, state);
    if (!recorder.needsIntent) {
      // The caller waits for the record of the call, which follows this one.
      recorder.complete(decision)?.catch(() => undefined);
      return outcome.refusal;
    }
    try {
      await recorder.intent(decision);
      return outcome.refusal;
    } catch (error) {
      return error as AuditError;
    }
  }

  /** What fails on the way refuses the call. */
  async #decide(call: CallToApprove): Promise<ApprovalOutcome> {
    try {
      return await this.#approvals.decide(call);
    } catch (cause) {
      const refusal = new RefusedError('approval_missing', 'the approvals cannot be read', { cause });
      return { id: newRecordId(), source: 'none', refusal };
    }
  }

  #callOf(detail: OperationDetail, means: ApprovalMeans): CallToApprove {
    const { redactor, onBehalfOf, server, entry } = this.#log;
    const { toolName: tool = '' } = detail.subject;
    const { name: serverName, address: serverAddress } = server(detail);
    const { actor } = entry(detail);
    return {
      // A getter: calls that need no approval are not sealed.
      get sealed() {
        return means.sealed;
      },
      signal: means.signal,
      elicit: means.elicit,
      tool,
      annotations: detail.toolAnnotations as object | undefined,
      ...{ serverName, serverAddress, actorId: actor?.id },
      userId: actor?.onBehalfOf ?? onBehalfOf ?? actor?.id,
      shown: () => redactor.value(means.sealed.arguments, tool, detail.secrets),
    };
  }
}

/**
 * The decision about a call that needed an approval, as an operation in the trace of the call. Who decided is its actor. The digest of
 * the arguments is left out: whoever reads the log could find small arguments by trying them.
 */
function toolApproval(
  outcome: ApprovalOutcome,
  call: OperationDetail,
  { recorder, actor, toolFingerprint }: RecorderState,
): OperationDetail {
  const { id, refusal, by, reason, approvedAt, expiresAt, source, keyId } = outcome;
  const tool = call.subject.toolName ?? 'unknown name';
  const isDenied = refusal?.reason === 'approval_denied';
  const data = {
    source,
    ...(by !== undefined && { decided_by: by, identity: keyId === undefined ? 'reported' : 'signed' }),
    ...(keyId !== undefined && { key_id: keyId }),
    ...(approvedAt !== undefined && { approved_at: approvedAt }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(reason !== undefined && { reason }),
  };
  const event: ToolEvent = {
    method: 'audit/approval',
    summary:
      refusal === undefined || isDenied
        ? `Decided about a call of tool ${tool}`
        : `Refused a call of tool ${tool}`,
    custom: { data },
  };
  const decider: Actor | undefined = by === undefined ? actor : { id: by, type: 'user' };
  return {
    ...toolEvent(event, call, recorder, decider),
    event: { documented: 'EVENT_GUARDRAIL_CHECK', '0.2': 'EVENT_GUARDRAIL_CHECK' },
    subject: { toolName: call.subject.toolName },
    decision: refusal === undefined ? 'accept' : 'decline',
    ending: {
      ...(refusal === undefined
        ? { outcome: 'OUTCOME_SUCCESS' }
        : {
            outcome: 'OUTCOME_FAILURE_DENIED',
            error: { type: refusal.reason, code: refusal.code, message: refusal.message },
          }),
      durationMs: 0,
    },
    states: [{ recorder, actor: decider, toolFingerprint, approvalId: id }],
  };
}
