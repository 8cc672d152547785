import { diag } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import { say } from '../internal/stderr.js';
import type { McpRequests } from '../schema/record.js';
import { PACKAGE_NAME } from '../version.js';
import type { OperationDetail } from './operation.js';

/** Whether this process has said that requests are missing from the log. */
const told = shared('missing requests', () => ({ missing: false }));

/** The requests of a session for its closing record. Where some are not on record, stderr says so, once. */
export function requestsOf(
  { method, ending, connection }: OperationDetail,
  log: object,
): McpRequests | undefined {
  if (method !== 'close' || ending === undefined) return undefined;
  const requests = connection.requests?.summary(log);
  if (requests?.missing !== undefined && !told.missing) {
    told.missing = true;
    const line = `a session ended with ${requests.missing} of ${requests.sent} requests that no record tells of; mcp.requests of its session/close record names them`;
    diag.warn(`${PACKAGE_NAME}: ${line}`);
    say(line);
  }
  return requests;
}
