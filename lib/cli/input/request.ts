import type { AuditRecord, McpDetail } from '../../schema/record.js';

/** Whether a record is of a request. Notifications, ends of sessions and records of the log's own are not. */
export function isRequest(record: AuditRecord): record is AuditRecord & { readonly mcp: McpDetail } {
  const { mcp } = record;
  return mcp !== undefined && mcp.method !== 'close' && !/^(?:notifications|audit)\//.test(mcp.method);
}
