import { ConfigError } from '../errors.js';
import { openCommitmentKey } from '../integrity/commitmentKeys.js';
import { commitToContent, saltOf, type CommitmentKey, type Salt } from '../integrity/contentCommitment.js';
import { peek } from '../internal/peek.js';
import { newRecordId } from '../schema/ids.js';
import type { Commitments, CommittedPart } from '../schema/commitments.js';
import type { ResolvedOptions } from '../config.js';
import type { CommittedStart, OperationDetail } from './operation.js';

/** Why a log has no commitments, in the words of its `audit/start`. */
export const WITHOUT = {
  off: 'none: the option commitments is false',
  noPlace: 'none: no sink keeps a file that a key could lie beside, and commitmentKey is not set',
} as const;

/**
 * The key that a log's records are committed with; a text where there is none, which says why.
 *
 * @throws ConfigError when the key cannot be used, or `commitments` is true and there is no place for it.
 */
export function keyOf({ commitments, commitmentKey, pipeline }: ResolvedOptions): CommitmentKey | string {
  if (commitments === false) return WITHOUT.off;
  const sinks = pipeline.sinks.map((entry) => ('emit' in entry ? entry : entry.sink));
  const path = commitmentKey ?? sinks.find((sink) => sink.commitmentKey !== undefined)?.commitmentKey;
  if (path !== undefined) return openCommitmentKey('commitmentKey', path);
  if (commitments === true)
    throw new ConfigError(
      'commitmentKey',
      'is not set, though commitments is true and no sink keeps a file: name a file that keeps the key',
    );
  return WITHOUT.noPlace;
}

/** Commits to what an operation is given. */
export function commitToStart(key: CommitmentKey, detail: OperationDetail): CommittedStart {
  const recordId = newRecordId();
  const salt = saltOf(key, recordId);
  const commitments: Commitments = { key: key.id };
  add(commitments, salt, 'arguments', argumentsOf(detail));
  return { recordId, salt, commitments };
}

/** Adds the commitments to how an operation ended. Undefined where there is nothing to commit to. */
export function commitToEnd(
  { salt, commitments }: CommittedStart,
  detail: OperationDetail,
): Commitments | undefined {
  add(commitments, salt, 'result', resultOf(detail));
  if (detail.custom?.definition === undefined) add(commitments, salt, 'data', detail.custom?.data);
  const { arguments: given, result, data, left_out } = commitments;
  return (given ?? result ?? data ?? left_out) === undefined ? undefined : commitments;
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
