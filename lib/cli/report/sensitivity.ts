import type { AuditRecord } from '../../schema/record.js';
import { SENSITIVITIES } from '../../schema/tables.js';

/** The rank of each sensitivity. Names of schema package 0.2 have the rank of the documented names. */
const RANKS: Readonly<Record<string, number>> = {
  ...SENSITIVITIES,
  SENSITIVITY_PUBLIC_INTERNAL: SENSITIVITIES.SENSITIVITY_INTERNAL,
  SENSITIVITY_SECRET: SENSITIVITIES.SENSITIVITY_RESTRICTED,
  SENSITIVITY_TOP_SECRET: SENSITIVITIES.SENSITIVITY_HIGHLY_RESTRICTED,
};

/** The rank of the data that a record touches; -1 for lists and session records, which touch none. */
export function sensitivityOf({ mcp, sensitivity }: AuditRecord): number {
  const { resource_uri: uri, tool_name: tool, prompt_name: prompt } = mcp ?? {};
  if (uri === undefined && tool === undefined && prompt === undefined) return -1;
  return Object.hasOwn(RANKS, sensitivity) ? (RANKS[sensitivity] ?? 0) : 0;
}
