import type { DraftRecord } from '../schema/record.js';
import type { KnownSecrets } from './walk/knownSecrets.js';

/** What the rest of the library asks of redaction; one is made from the options, once, at start-up. */
export interface Redactor {
  /**
   * A new record in which every free value (arguments, results, URIs, error texts, `data`, what the server said of
   * itself) is redacted, bounded and safe to encode. Never throws, never changes what it was given: a value that cannot be
   * redacted is dropped and marked.
   */
  record(draft: DraftRecord, known?: KnownSecrets): DraftRecord;
  /** A free text (error message, span status, log line) with the secrets in it replaced. */
  text(value: string, known?: KnownSecrets): string;
  /** A URI without userinfo, and with secrets in path, query and fragment replaced. */
  uri(value: string): string;
  /** Any value, walked and bounded, as for `mcp.tool_arguments` of the named tool. */
  value(value: unknown, toolName?: string, known?: KnownSecrets): unknown;
  /** The id of an MCP session as it may be shown: hashed, or keyed with `hmacKey`, unless the policy keeps it. */
  sessionId(id: string): string;
}
