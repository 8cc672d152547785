import type { AuditRecord, McpDetail } from '../../schema/record.js';

/** Whether a record is of an MCP request. Notifications, ends of sessions, HTTP requests as such and records of the log's own are not. */
export function isRequest(record: AuditRecord): record is AuditRecord & { readonly mcp: McpDetail } {
  const { mcp } = record;
  return mcp !== undefined && mcp.method !== 'close' && !/^(?:notifications|audit|http)\//.test(mcp.method);
}
