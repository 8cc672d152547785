import { verify } from 'node:crypto';
import { RefusedError, type RefusalReason } from '../errors.js';
import type { NoteVerifier } from '../integrity/tlog/note.js';
import { after } from '../internal/duration.js';
import { peek, peekText } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { printable } from '../internal/text.js';
import { typeName } from '../internal/options.js';
import { newRecordId } from '../schema/ids.js';
import {
  readApproval,
  signedBytes,
  ApprovalFile,
  type Approval,
  type SealedCall,
  type ApprovalDecision,
  type ApprovalOptions,
  type ApprovalQuestion,
  type ResolvedApprovals,
} from './approval.js';

/** Shows a form to the user; gives the answer to `elicitation/create`. */
export type Elicit = (params: object, signal: AbortSignal) => Promise<unknown>;

/** A call, as capture and the log know it. */
export interface CallToApprove {
  readonly sealed: SealedCall;
  readonly tool: string;
  readonly annotations: object | undefined;
  readonly serverName: string | undefined;
  readonly serverAddress: string | undefined;
  readonly actorId: string | undefined;
  /** For whom, else who calls: the user, where one is asked. */
  readonly userId: string | undefined;
  /** The caller's signal, of any class. */
  readonly signal: unknown;
  /** The user of the client, where it can ask one. */
  readonly elicit: Elicit | undefined;
  /** The arguments as a user may see them: redacted. */
  readonly shown: () => unknown;
}

/** What came of the question, for the record. */
export interface ApprovalOutcome {
  readonly id: string;
  readonly refusal?: RefusedError | undefined;
  /** Whoever decided, where somebody did. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly approvedAt?: string | undefined;
  readonly expiresAt?: string | undefined;
  /** Where the decision comes from. */
  readonly source: 'callback' | 'elicitation' | 'file' | 'none';
  /** The id of the key whose signature was verified; without one, `by` is reported only. */
  readonly keyId?: string | undefined;
  /** Aborted by the caller, who gets the client's own error: there is nothing to refuse. */
  readonly isGivenUp?: boolean | undefined;
}

type Found = Omit<ApprovalOutcome, 'id' | 'source'> & { readonly id?: string };

/** Approvals that have served a call in this process, by id: which call, and when they expire. */
const used = shared('used approvals', () => new Map<string, { by: object; until: number }>());

/** Decides for one log which calls need an approval, and gets it. */
export class Approvals {
  readonly #options: ResolvedApprovals['options'];
  readonly #names: RegExp | undefined;
  readonly #approvers: readonly NoteVerifier[] | undefined;
  readonly #file: ApprovalFile | undefined;

  constructor(options: ResolvedApprovals) {
    const { tools, file } = options.options;
    this.#options = options.options;
    this.#approvers = options.approvers;
    this.#names = tools === undefined ? undefined : namesOf(tools);
    this.#file = file === undefined ? undefined : new ApprovalFile(file);
  }

  /** Whether a call needs an approval. */
  wants(call: CallToApprove): boolean {
    const { tools, destructive, when } = this.#options;
    if (tools === undefined && !destructive && when === undefined) return true;
    if (this.#names?.test(call.tool) === true) return true;
    if (destructive && isDestructive(call.annotations)) return true;
    if (when === undefined) return false;
    try {
      // A promise is no answer, and what is no `false` asks.
      return (when(questionOf(call, new AbortController().signal)) as unknown) !== false;
    } catch {
      return true;
    }
  }

  /** Gets the approval of a call, and opens its seal, or says why there is none. */
  async decide(call: CallToApprove): Promise<ApprovalOutcome> {
    const { digest } = call.sealed;
    if (digest === undefined)
      return missing('approval_invalid', 'the arguments are no JSON, so that nobody can approve them');
    const filed = this.#filed(call);
    if (filed !== undefined && (filed.refusal === undefined || this.#options.ask === undefined)) return filed;
    if (this.#options.ask === undefined)
      return missing('approval_missing', 'the call needs an approval, and there is none');
    return this.#asked(call, this.#options.ask);
  }

  #filed(call: CallToApprove): ApprovalOutcome | undefined {
    if (this.#file === undefined) return undefined;
    let first: Found | undefined;
    for (const given of this.#file.read().filter(({ tool }) => tool === call.tool)) {
      const found = this.#handedIn(given, call, true);
      if (found.refusal === undefined) return withId(found, 'file');
      // An approval of these very arguments says more about the refusal than one of others.
      if (first === undefined || first.refusal?.reason === 'approval_mismatch') first = found;
    }
    return first === undefined ? undefined : withId(first, 'file');
  }

  async #asked(call: CallToApprove, ask: NonNullable<ApprovalOptions['ask']>): Promise<ApprovalOutcome> {
    const source = ask === 'elicitation' ? 'elicitation' : 'callback';
    const waiting = new Waiting(call.signal, this.#options.timeoutMillis);
    try {
      const answer = await waiting.for(() =>
        ask === 'elicitation' ? this.#elicited(call, waiting.signal) : ask(questionOf(call, waiting.signal)),
      );
      return withId(this.#judge(answer, call), source);
    } catch (error) {
      if (waiting.isGivenUp) return { id: newRecordId(), source, isGivenUp: true };
      const message = waiting.isLate
        ? `nobody decided within ${this.#options.timeoutMillis} ms`
        : error instanceof RefusedError
          ? error.message
          : 'the question for an approval failed';
      return withId(refused('approval_missing', message, error), source);
    } finally {
      waiting.end();
    }
  }

  async #elicited(call: CallToApprove, signal: AbortSignal): Promise<ApprovalDecision> {
    const by = this.#options.user ?? call.userId;
    if (call.elicit === undefined)
      throw new RefusedError('approval_missing', 'the client has no way to ask its user (elicitation)');
    if (by === undefined)
      throw new RefusedError('approval_missing', "it is not known who the user is: set 'approvals.user'");
    const answer = await call.elicit(formOf(call), signal);
    const content = peek(answer, 'content');
    const approved = peek(answer, 'action') === 'accept' && peek(content, 'approve') === true;
    return { approved, by, reason: peekText(content, 'reason') };
  }

  #judge(answer: unknown, call: CallToApprove): Found {
    if (typeof answer !== 'object' || answer === null)
      return refused('approval_missing', `nobody decided: the answer was ${typeName(answer)}`);
    if (peek(answer, 'arguments_sha256') !== undefined) return this.#handedIn(answer, call, false);
    const { approved, by, reason } = answer as Partial<Record<keyof ApprovalDecision, unknown>>;
    if (typeof approved !== 'boolean' || typeof by !== 'string' || by.trim() === '')
      return refused('approval_invalid', "the decision does not say 'approved' and 'by' whom");
    const said = { by, reason: typeof reason === 'string' && reason !== '' ? reason : undefined };
    const now = Date.now();
    if (!approved) return { ...refused('approval_denied', 'the call was not approved'), ...said };
    call.sealed.approvedUntil = now + this.#options.timeoutMillis;
    return {
      ...said,
      approvedAt: new Date(now).toISOString(),
      expiresAt: new Date(call.sealed.approvedUntil).toISOString(),
    };
  }

  /** Checks an approval that was made elsewhere, and uses it up. */
  #handedIn(given: unknown, { sealed, tool, serverAddress }: CallToApprove, isFiled: boolean): Found {
    const approval = readApproval(given);
    if ('problem' in approval)
      return refused('approval_invalid', `the approval cannot be used: ${approval.problem}`);
    const { id, approved_by: by, reason, approved_at: approvedAt, expires_at: expiresAt } = approval;
    const key = this.#approvers && signerOf(approval, this.#approvers);
    const until = Date.parse(expiresAt);
    const facts = { id, reason, approvedAt, expiresAt, keyId: key?.keyId };
    const refuse = (why: RefusalReason, message: string): Found => ({ ...facts, ...refused(why, message) });
    if (this.#approvers !== undefined && key === undefined)
      return refuse('approval_invalid', 'the approval has no valid signature of its approver');
    if (approval.tool !== tool || approval.arguments_sha256 !== sealed.digest)
      return refuse('approval_mismatch', 'the approval is of another call: the tool or the arguments differ');
    if (approval.server !== undefined && approval.server !== serverAddress)
      return refuse('approval_mismatch', 'the approval is of a call to another server');
    if (Date.now() > until) return refuse('approval_expired', 'the approval has expired');
    // Several logs may want an approval of one call.
    const isServing = used.get(id)?.by === sealed;
    if (!isServing && (!use(id, sealed, until) || (isFiled && this.#file?.claim(id) === false)))
      return refuse('approval_used', 'the approval has served another call');
    sealed.approvedUntil = Math.min(until, sealed.approvedUntil ?? Infinity);
    return { ...facts, by };
  }
}

/** Notes that an approval serves a call. False where it has served another. */
function use(id: string, by: SealedCall, until: number): boolean {
  if (used.has(id)) return false;
  // One that has expired is refused for that.
  if (used.size % 1000 === 999)
    for (const [each, before] of used) if (before.until < Date.now()) used.delete(each);
  used.set(id, { by, until });
  return true;
}

function signerOf(approval: Approval, approvers: readonly NoteVerifier[]): NoteVerifier | undefined {
  const signature = Buffer.from(approval.signature ?? '', 'base64');
  const signed = signedBytes(approval);
  return approvers.find(
    ({ name, publicKey }) => name === approval.approved_by && verify(null, signed, publicKey, signature),
  );
}

/** The defaults of `ToolAnnotations`: a tool that does not only read is destructive unless it says otherwise. */
function isDestructive(annotations: object | undefined): boolean {
  return peek(annotations, 'readOnlyHint') !== true && peek(annotations, 'destructiveHint') !== false;
}

function namesOf(tools: readonly string[]): RegExp {
  const escaped = tools.map((name) =>
    name
      .split('*')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*'),
  );
  return new RegExp(`^(?:${escaped.join('|')})$`, 's');
}

function questionOf(call: CallToApprove, signal: AbortSignal): ApprovalQuestion {
  const { tool, sealed, annotations, serverName, serverAddress, actorId } = call;
  return {
    tool,
    arguments: sealed.arguments,
    argumentsSha256: sealed.digest ?? '',
    annotations: annotations as ApprovalQuestion['annotations'],
    serverName,
    serverAddress,
    actorId,
    signal,
  };
}

/** A longer text is not read, and what stands beyond it might be what matters. */
const MAX_SHOWN = 4000;

/** What the user is shown: the arguments as a record would show them, and the digest of all of them. */
function formOf({ tool, shown, sealed, serverName, serverAddress, actorId }: CallToApprove): object {
  const text = JSON.stringify(shown() ?? {}, null, 2);
  const lines = text.split('\n').map(printable).join('\n');
  const rest = lines.length - MAX_SHOWN;
  const visible =
    rest > 0 ? `${lines.slice(0, MAX_SHOWN)}\n… and ${rest} more characters that are not shown` : lines;
  const server = [serverName, serverAddress && `(${serverAddress})`].filter(Boolean).join(' ');
  const caller = actorId === undefined ? 'A program' : printable(actorId);
  return {
    mode: 'form',
    message:
      `${caller} wants to call the tool ${printable(tool)}${server === '' ? '' : ` of ${printable(server)}`}.\n` +
      `Arguments:\n${visible}\nSHA-256 of the arguments: ${sealed.digest ?? ''}`,
    requestedSchema: {
      type: 'object',
      properties: {
        approve: { type: 'boolean', title: 'Approve this call', description: 'Only true lets it be made' },
        reason: { type: 'string', title: 'Reason', description: 'Goes on record', maxLength: 500 },
      },
      required: ['approve'],
    },
  };
}

function refused(
  reason: RefusalReason,
  message: string,
  cause?: unknown,
): { readonly refusal: RefusedError } {
  return { refusal: new RefusedError(reason, message, cause === undefined ? {} : { cause }) };
}

function missing(reason: RefusalReason, message: string): ApprovalOutcome {
  return withId(refused(reason, message), 'none');
}

function withId(found: Found, source: ApprovalOutcome['source']): ApprovalOutcome {
  return { ...found, id: found.id ?? newRecordId(), source };
}

/** The time in which an answer may come: until the caller gives up, or it is over. */
class Waiting {
  isLate = false;
  isGivenUp = false;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #ends: (() => void)[] = [];

  constructor(caller: unknown, milliseconds: number) {
    this.#timer = after(milliseconds, () => {
      this.isLate = true;
      this.#controller.abort(new DOMException('nobody decided in time', 'TimeoutError'));
    });
    const giveUp = (): void => {
      this.isGivenUp = true;
      this.#controller.abort(peek(caller, 'reason'));
    };
    if (peek(caller, 'aborted') === true) giveUp();
    else if (caller instanceof AbortSignal) {
      caller.addEventListener('abort', giveUp);
      this.#ends.push(() => caller.removeEventListener('abort', giveUp));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves as `ask` does, and rejects where the time is over first. */
  for<T>(ask: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, fail) => {
      const { signal } = this;
      const over = (): void => fail(signal.reason);
      if (signal.aborted) return over();
      signal.addEventListener('abort', over, { once: true });
      Promise.resolve().then(ask).then(resolve, fail);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
  }
}
