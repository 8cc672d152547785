import type { ResolvedOptions } from '../config.js';
import { ConfigError } from '../errors.js';
import { openCommitmentKey } from '../integrity/commitmentKeys.js';
import {
  commitToContent,
  formatSalt,
  parseSalt,
  saltOf,
  type CommitmentKey,
  type Salt,
} from '../integrity/contentCommitment.js';
import { peek } from '../internal/peek.js';
import type { CallerCommitments, Commitments, CommittedPart } from '../schema/parts.js';
import { newRecordId } from '../schema/ids.js';
import type { CommittedStart, OperationDetail } from './operation.js';

/** Under this name, a request's `_meta` says to what its client's record commits. */
export const COMMITMENT_KEY = 'otel-mcp-log/commitment';

/** What a request says of the record of its client: enough for the server, which knows the content, to check it. */
interface Claim {
  readonly record_id: string;
  /** The salt of that record in hex. */
  readonly salt: string;
  /** The commitment to the arguments. */
  readonly arguments?: string | undefined;
}

const OFF = 'none: the option commitments is false';
const NO_PLACE = 'none: no sink keeps a file that a key could lie beside, and commitmentKey is not set';

/** Commits the records of one log to what was sent and returned. */
export class Committer {
  readonly #key: CommitmentKey | undefined;
  readonly #isOff: boolean;
  readonly #propagate: ResolvedOptions['propagateCommitments'];

  /**
   * @throws ConfigError when the key cannot be used, or commitments are asked for and there is no place for it.
   */
  constructor(options: ResolvedOptions) {
    this.#isOff = options.commitments === false;
    this.#key = this.#isOff ? undefined : keyOf(options);
    this.#propagate = options.propagateCommitments;
    if (this.#key !== undefined) return;
    if (options.commitments !== true && options.propagateCommitments === false) return;
    if (this.#isOff)
      throw new ConfigError(
        'propagateCommitments',
        'needs commitments, which are switched off (commitments: false)',
      );
    throw new ConfigError(
      'commitmentKey',
      'is not set, though commitments are asked for and no sink keeps a file: name a file that keeps the key',
    );
  }

  /** The id of the key; of a log without commitments, why there are none. */
  get words(): string {
    return this.#key?.id ?? (this.#isOff ? OFF : NO_PLACE);
  }

  /** Commits to what an operation is given. Undefined where its record will have no commitments. */
  begin(detail: OperationDetail): CommittedStart | undefined {
    const key = this.#key;
    const claim = this.#isOff || detail.side !== 'server' ? undefined : claimIn(detail.callerMeta);
    if (key === undefined && claim === undefined) return undefined;
    const recordId = key && newRecordId();
    const salt = key && saltOf(key, recordId ?? '');
    const commitments: Commitments = key === undefined ? {} : { key: key.id };
    const given = argumentsOf(detail);
    if (salt !== undefined) add(commitments, salt, 'arguments', given);
    const callerSalt = claim && parseSalt(claim.salt);
    if (claim !== undefined && callerSalt !== undefined)
      commitments.caller = compared(claim, callerSalt, given);
    return { recordId, salt, commitments, callerSalt };
  }

  /** Adds the commitments to how an operation ended. Undefined where there is nothing to commit to. */
  end({ salt, callerSalt, commitments }: CommittedStart, detail: OperationDetail): Commitments | undefined {
    const { caller } = commitments;
    const answer = resultOf(detail);
    if (salt !== undefined) {
      add(commitments, salt, 'result', answer);
      if (detail.custom?.definition === undefined) add(commitments, salt, 'data', detail.custom?.data);
    }
    if (caller !== undefined && callerSalt !== undefined && answer !== undefined) {
      const made = commitToContent(callerSalt, 'result', answer);
      if ('digest' in made) caller.result = made.digest;
    }
    const { arguments: given, result, data, left_out } = commitments;
    return (given ?? result ?? data ?? left_out ?? caller) === undefined ? undefined : commitments;
  }

  /** What a request says of its record to its server, where that may learn it. Throws what the user's function throws. */
  claim(committed: CommittedStart | undefined, serverAddress: string | undefined): Claim | undefined {
    const { recordId, salt, commitments } = committed ?? {};
    if (this.#propagate === false || recordId === undefined || salt === undefined) return undefined;
    if (this.#propagate !== true && this.#propagate(serverAddress) !== true) return undefined;
    return { record_id: recordId, salt: formatSalt(salt), arguments: commitments?.arguments };
  }
}

function keyOf({ commitmentKey, pipeline }: ResolvedOptions): CommitmentKey | undefined {
  const sinks = pipeline.sinks.map((entry) => ('emit' in entry ? entry : entry.sink));
  const path = commitmentKey ?? sinks.find((sink) => sink.commitmentKey !== undefined)?.commitmentKey;
  return path === undefined ? undefined : openCommitmentKey('commitmentKey', path);
}

/** What a request claims. Anything else under that name is no claim, since any client may write anything there. */
function claimIn(meta: unknown): Claim | undefined {
  const claim = peek(meta, COMMITMENT_KEY);
  const recordId = peek(claim, 'record_id');
  const digest = peek(claim, 'arguments');
  const isWhole =
    typeof recordId === 'string' &&
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(recordId) &&
    (digest === undefined || (typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)));
  const salt = peek(claim, 'salt');
  return isWhole && typeof salt === 'string' ? { record_id: recordId, salt, arguments: digest } : undefined;
}

/** How the arguments that arrived compare with a claim. */
function compared(claim: Claim, salt: Salt, given: unknown): CallerCommitments {
  const caller: CallerCommitments = { record_id: claim.record_id };
  if (claim.arguments !== undefined) caller.arguments = claim.arguments;
  const made = given === undefined ? { digest: undefined } : commitToContent(salt, 'arguments', given);
  if ('digest' in made) caller.matches = made.digest === claim.arguments;
  return caller;
}

function add(commitments: Commitments, salt: Salt, part: CommittedPart, content: unknown): void {
  if (content === undefined) return;
  const made = commitToContent(salt, part, content);
  if ('digest' in made) commitments[part] = made.digest;
  else commitments.left_out = { ...commitments.left_out, [part]: made.leftOut };
}

/** Requests whose arguments are a member of their parameters. What is called `_meta` there is the caller's content. */
const WITH_ARGUMENTS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get']);

/** What an operation was given, as it stands before redaction; of a read, the URI. `_meta` differs from request to request. */
function argumentsOf({ method, subject }: OperationDetail): unknown {
  const { arguments: given, uri } = subject;
  if (given === undefined) return uri === undefined ? undefined : { uri };
  if (WITH_ARGUMENTS.has(method) || peek(given, '_meta') === undefined) return given;
  const { _meta: _, ...rest } = given as { _meta: unknown };
  return rest;
}

/** What came back: as the server sent it, where that was seen. The client may have dropped parts that it does not know. */
function resultOf({ answer, ending }: OperationDetail): unknown {
  if (answer?.kind === 'error') return undefined;
  return answer?.result ?? ending?.result;
}
