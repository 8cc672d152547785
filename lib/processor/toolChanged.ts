import type { Actor } from '../identity.js';
import type { ToolChange } from '../tools/change.js';
import type { OperationDetail } from './detail.js';
import type { OperationRecorder } from './recorder.js';

const METHOD = 'audit/tool-changed';

/** The record of a tool that changed, as a detail of its own in the trace of the listing that showed it. */
export function toolChanged(
  change: ToolChange,
  listing: OperationDetail,
  recorder: OperationRecorder,
  actor: Actor | undefined,
): OperationDetail {
  return {
    method: METHOD,
    event: { documented: 'EVENT_CONFIG_CHANGE', '0.2': 'EVENT_CONFIG_CHANGE' },
    resource: METHOD,
    summary: `The definition of tool ${change.tool} changed`,
    subject: {},
    connection: listing.connection,
    startTime: Date.now(),
    trace: listing.trace,
    ending: { outcome: 'OUTCOME_SUCCESS', durationMs: 0 },
    legs: [],
    custom: {
      severity: 'SEVERITY_WARNING',
      data: {
        tool: change.tool,
        ...(change.serverAddress !== undefined && { server_address: change.serverAddress }),
        old_fingerprint: change.oldFingerprint,
        new_fingerprint: change.newFingerprint,
        changed_fields: change.fields,
      },
    },
    recorders: [recorder],
    ledger: new Map([[recorder, { actor }]]),
  };
}
