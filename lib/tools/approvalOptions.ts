import { ConfigError } from '../errors.js';
import { parseVkey, type NoteVerifier } from '../integrity/tlog/note.js';
import { checkOptions, type Resolved } from '../internal/options.js';
import { reject } from '../internal/validate.js';
import type { Approval } from './approval.js';

/**
 * Which calls of tools need an approval, and where that comes from. Without `tools`, `destructive` and `when`, every call needs one.
 *
 * @see docs/approvals.md
 */
export interface ApprovalOptions {
  /**
   * Names of tools whose calls need an approval; `*` stands for any characters, as in `delete_*`.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_APPROVE_TOOLS
   */
  readonly tools?: readonly string[];
  /**
   * Whether calls of destructive tools need one: of those that do not say `readOnlyHint: true` or `destructiveHint: false`, and so
   * also of tools that were never listed. Annotations are the server's own word: trust them as far as you trust the server.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_APPROVE_DESTRUCTIVE
   */
  readonly destructive?: boolean;
  /**
   * Says whether a call needs one. Where it throws or gives a promise, the call does.
   * @defaultValue none
   */
  readonly when?: (call: ApprovalQuestion) => boolean;
  /**
   * Who is asked: a function of yours, which may ask anybody and may hand in an approval that was made elsewhere, or `elicitation`,
   * by which the user is asked as if the server had asked (`elicitation/create`).
   * @defaultValue nobody is asked; only approvals of the `file` count
   * @variable OTEL_MCP_LOG_APPROVE_ASK
   */
  readonly ask?: 'elicitation' | ApprovalFunction;
  /**
   * The name of the user who answers elicitations.
   * @defaultValue for whom the actor acts, else the actor
   * @variable OTEL_MCP_LOG_APPROVE_USER
   */
  readonly user?: string;
  /**
   * How long an answer may take, in milliseconds; after that the call is refused.
   * @defaultValue 300,000
   * @minimum 1
   * @unit ms
   * @variable OTEL_MCP_LOG_APPROVE_TIMEOUT
   */
  readonly timeoutMillis?: number;
  /**
   * A file of approvals that were made elsewhere, one JSON object a line; read at each call that needs one. Whoever may write to it
   * may approve, unless `approvers` is set. An empty file in the folder `<file>.used` notes each that was used.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_APPROVALS
   */
  readonly file?: string;
  /**
   * Verifier keys (`name+id+key`) of those who may approve elsewhere. An approval that is handed in then counts only with a signature
   * by the key that has the name of its `approved_by`.
   * @defaultValue none, and signatures are not looked at
   * @variable OTEL_MCP_LOG_APPROVERS
   */
  readonly approvers?: readonly string[];
}

/** A call that may need an approval. */
export interface ApprovalQuestion {
  /** The name of the tool. */
  readonly tool: string;
  /** A copy of the arguments, with all that is secret in them. */
  readonly arguments: unknown;
  /** Their SHA-256 (hex) by RFC 8785, as an approval has to name it. */
  readonly argumentsSha256: string;
  /** What the server said of the tool when it was last listed on this connection; its own word. */
  readonly annotations?: Readonly<Record<string, boolean>> | undefined;
  /** The server's name, self-reported. */
  readonly serverName?: string | undefined;
  /** The server's address or command, as records show it. */
  readonly serverAddress?: string | undefined;
  /** Who calls, where that is known. */
  readonly actorId?: string | undefined;
  /** Aborts where the caller gives up, and where the time is over. */
  readonly signal: AbortSignal;
}

/** Somebody's decision about the call that was asked about. */
export interface ApprovalDecision {
  /** Whether the call may be made. */
  readonly approved: boolean;
  /** Who decided. */
  readonly by: string;
  /** Why; on record, redacted. */
  readonly reason?: string | undefined;
}

/**
 * Asked for an approval. Gives a decision, or an {@link Approval} that was made elsewhere. Anything else refuses the call: nothing, an
 * error, an approval of other arguments, one that was used or has expired.
 */
export type ApprovalFunction = (
  call: ApprovalQuestion,
) => ApprovalDecision | Approval | undefined | Promise<ApprovalDecision | Approval | undefined>;

/** The options, checked. */
export interface ResolvedApprovals {
  readonly options: Resolved<'ApprovalOptions', ApprovalOptions>;
  readonly approvers: readonly NoteVerifier[] | undefined;
}

/**
 * Checks the option `approvals`.
 *
 * @throws ConfigError naming the first part that cannot work.
 */
export function resolveApprovals(given: ApprovalOptions | undefined): ResolvedApprovals | undefined {
  if (given === undefined) return undefined;
  const options = checkOptions('ApprovalOptions', 'approvals', given);
  const { ask, approvers } = options;
  if (ask !== undefined && ask !== 'elicitation' && typeof ask !== 'function')
    reject('approvals.ask', ask, "a function or 'elicitation'");
  return { options, approvers: approvers?.map(verifierOf) };
}

function verifierOf(vkey: string, index: number): NoteVerifier {
  try {
    return parseVkey(vkey);
  } catch (error) {
    throw new ConfigError(`approvals.approvers[${index}]`, (error as Error).message);
  }
}
