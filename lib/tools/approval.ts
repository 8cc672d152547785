import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RefusedError, ConfigError } from '../errors.js';
import { canonicalJson } from '../schema/canonicalJson.js';
import { peek } from '../internal/peek.js';
import { parseVkey, type NoteVerifier } from '../integrity/tlog/note.js';
import { checkOptions, reject, type Resolved } from '../internal/options.js';

/**
 * The leave for one call of a tool with exactly these arguments: a plain JSON object, which another program may make and hand over.
 * It serves one call, and none after its expiry.
 */
export interface Approval {
  /** Names it, on the record of the decision and on that of the call. Of your making; unique, as a UUID is. */
  readonly id: string;
  /** The name of the tool. */
  readonly tool: string;
  /** The server's address or command as records show it (`mcp.server_address`). Without one, any server's tool of this name is meant. */
  readonly server?: string;
  /** SHA-256 (hex) of the arguments as canonical JSON (RFC 8785): what {@link argumentsDigest} gives. A call without arguments has `{}`. */
  readonly arguments_sha256: string;
  /** Who approved. */
  readonly approved_by: string;
  /** When: RFC 3339. */
  readonly approved_at: string;
  /** The last moment at which the call may be sent: RFC 3339. */
  readonly expires_at: string;
  /** Why, in the words of who approved; on record, redacted. */
  readonly reason?: string;
  /** Ed25519 over the approval without this member, in base64 (docs/approvals.md). Needed where `approvers` is set. */
  readonly signature?: string;
}

/**
 * SHA-256 (hex) of the arguments of a call as canonical JSON (RFC 8785), as an {@link Approval} names them. It tells of what JSON
 * makes of the arguments: a `Date` counts as its text, and members without a value do not count.
 *
 * @param given The arguments; `undefined` counts as `{}`.
 * @throws TypeError for what is no JSON: a BigInt, a circle, or values that are nested deeper than 500 levels.
 *
 * @example
 * ```ts
 * const approval = { id: randomUUID(), tool: 'pay', arguments_sha256: argumentsDigest({ to: 'ada', amount: 5 }), … };
 * ```
 */
export function argumentsDigest(given: unknown): string {
  return digestOf(JSON.stringify(given));
}

/** The digest of arguments that are JSON text already. */
function digestOf(text: string | undefined): string {
  const value: unknown = text === undefined ? {} : JSON.parse(text);
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

const HEX_SHA256 = /^[0-9a-f]{64}$/;
/** RFC 3339, section 5.6, as far as `Date.parse` takes it too. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;
const MEMBERS = {
  id: true,
  tool: true,
  server: false,
  arguments_sha256: true,
  approved_by: true,
  approved_at: true,
  expires_at: true,
  reason: false,
  signature: false,
} as const satisfies Record<keyof Approval, boolean>;
/** Texts come from outside and go on record. */
const MAX_CHARACTERS = 4096;

/** Reads an approval that was made elsewhere: the approval, or what is wrong with it. No part of it has been verified. */
export function readApproval(given: unknown): Approval | { readonly problem: string } {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { problem: 'it is no object' };
  const values = given as Readonly<Record<string, unknown>>;
  // An approver may have meant a limit by a member that is not known here, and a signature covers it.
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(MEMBERS, name));
  if (unknown !== undefined) return { problem: `its member '${unknown.slice(0, 50)}' is not known` };
  for (const [name, isNeeded] of Object.entries(MEMBERS)) {
    const value = values[name];
    if (value === undefined && !isNeeded) continue;
    if (typeof value !== 'string' || value.trim() === '' || value.length > MAX_CHARACTERS)
      return { problem: `'${name}' has to be a text of 1 to ${MAX_CHARACTERS} characters` };
  }
  if (!HEX_SHA256.test(String(values['arguments_sha256'])))
    return { problem: "'arguments_sha256' has to be 64 lower-case hex digits" };
  for (const name of ['approved_at', 'expires_at'])
    if (!TIME.test(String(values[name])) || Number.isNaN(Date.parse(String(values[name]))))
      return { problem: `'${name}' has to be a time of RFC 3339, such as 2026-01-31T12:00:00Z` };
  return Object.freeze({ ...values }) as unknown as Approval;
}

/** What a signature of an approval covers: a line that no other kind of document begins with, and the approval without it. */
export function signedBytes({ signature: _, ...approval }: Approval): Buffer {
  return Buffer.from(`otel-mcp-log/approval/v1\n${canonicalJson(approval)}`);
}

/**
 * What may go over the wire for one call that needs an approval. The arguments are read once, as JSON; that text is what is asked
 * about, and what is sent: a program that changes its objects meanwhile cannot have another call approved than the one that it makes.
 */
export class SealedCall {
  readonly tool: string | undefined;
  /** SHA-256 (hex) of the arguments; undefined where they are no JSON. */
  readonly digest: string | undefined;
  /** When the approval expires, in milliseconds since the epoch; undefined while nobody has approved. */
  approvedUntil: number | undefined;
  readonly #text: string | undefined;
  #isSent = false;

  constructor(tool: string | undefined, given: unknown) {
    this.tool = tool;
    try {
      this.#text = JSON.stringify(given);
      this.digest = digestOf(this.#text);
    } catch {
      this.digest = undefined;
    }
  }

  /** The arguments, as an object of its own. */
  get arguments(): unknown {
    return this.#text === undefined ? undefined : (JSON.parse(this.#text) as unknown);
  }

  /**
   * A request for this call as it may be sent: the same, with the arguments that were approved. Later rounds of the call, and the same
   * request after a login, are sent by the same leave, also when that has expired meanwhile.
   *
   * @throws RefusedError where it has other arguments, and where no approval is in force.
   */
  pass(request: object): object {
    const { params } = request as { params?: { name?: unknown; arguments?: unknown } };
    if (this.approvedUntil === undefined)
      throw new RefusedError('approval_missing', 'the call was to be sent without an approval');
    if (!this.#isSent && Date.now() > this.approvedUntil)
      throw new RefusedError('approval_expired', 'the approval expired before the call could be sent');
    const { digest } = new SealedCall(undefined, params?.arguments);
    if (params?.name !== this.tool || digest !== this.digest)
      throw new RefusedError('approval_mismatch', 'the call was changed after it had been approved');
    this.#isSent = true;
    return this.#text === undefined
      ? request
      : { ...request, params: { ...params, arguments: this.arguments } };
  }
}

/** A larger file is no list of approvals. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A file of approvals that were made elsewhere, one JSON object a line, and the folder beside it that notes which were used. */
export class ApprovalFile {
  readonly #path: string;
  readonly #used: string;

  constructor(path: string) {
    this.#path = resolve(path);
    this.#used = `${this.#path}.used`;
  }

  /**
   * What the file holds now, unchecked; nothing where there is none yet. Lines that are no JSON are passed over: another program may
   * be writing the last one.
   *
   * @throws where it cannot be read.
   */
  read(): readonly { readonly tool: unknown }[] {
    let text: string;
    try {
      const stat = lstatSync(this.#path);
      if (!stat.isFile()) throw new Error(`${this.#path} is no regular file`);
      if (stat.size > MAX_BYTES) throw new Error(`${this.#path} is larger than ${MAX_BYTES} bytes`);
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (peek(error, 'code') === 'ENOENT') return [];
      throw error;
    }
    return text.split('\n').flatMap((line) => {
      try {
        const value: unknown = JSON.parse(line);
        return typeof value === 'object' && value !== null ? [value as { tool: unknown }] : [];
      } catch {
        return [];
      }
    });
  }

  /**
   * Notes that an approval is used, for this and all other processes that read the file. The name is a digest, since ids come from
   * outside.
   *
   * @returns false where it was used before.
   * @throws where that cannot be noted: then it must not be used.
   */
  claim(id: string): boolean {
    mkdirSync(this.#used, { recursive: true, mode: 0o700 });
    try {
      closeSync(openSync(join(this.#used, createHash('sha256').update(id).digest('hex')), 'wx', 0o600));
      return true;
    } catch (error) {
      if (peek(error, 'code') === 'EEXIST') return false;
      throw error;
    }
  }
}

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
