import type { Actor } from '../identity.js';
import type { KeptDefinition } from '../tools/definitions.js';
import type { ToolChange } from '../tools/watch.js';
import type { CustomFacts, OperationDetail, OperationRecorder } from './operation.js';

/** What a record about a tool is about. */
export interface ToolEvent {
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
export function toolEvent(
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
