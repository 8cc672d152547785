import { context } from '@opentelemetry/api';
import type { ResolvedOptions } from '../config.js';
import { askSubject } from '../erasure/options.js';
import type { Concerned } from '../erasure/protector.js';
import { AuditError } from '../errors.js';
import { askActor, type Actor, type ActorQuestion } from '../identity.js';
import { sessionIdOf } from './mapping.js';
import type { OperationDetail } from './operation.js';

/** Who acts in an operation, and whom it concerns. */
interface Parties {
  readonly actor: Actor | undefined;
  /** Undefined where the default decides. */
  readonly concerned: Concerned['subject'] | undefined;
}

/** What asking the user's functions needs to know of a log. */
interface Asked {
  readonly options: ResolvedOptions;
  /** The session id as the log shows it. */
  readonly shownSession: (id: string | undefined) => string | undefined;
  /** Told of a failure of a function. */
  readonly report: (error: AuditError) => void;
  /** Told where nobody can say whom an operation concerns. */
  readonly withheld: (error: AuditError) => void;
}

/** Asks the user's functions who acts and whom an operation concerns. Call it in the caller's own context. */
export function askParties(detail: OperationDetail, asked: Asked): Parties {
  const { actor: known, erasure } = asked.options;
  const { caller } = detail;
  const subject = erasure?.subject;
  // As the function says; else a caller as its verified token says; else the one whom the options name.
  let actor = caller?.actor ?? (typeof known === 'function' ? undefined : known);
  if (typeof known !== 'function' && subject === undefined) return { actor, concerned: undefined };
  const question = questionOf(detail, asked);
  if (typeof known === 'function') {
    const answer = askActor(known, question);
    actor = answer.actor ?? caller?.actor;
    if (answer.problem !== undefined) asked.report(problem('MCP_LOG_ERR_ACTOR', answer.problem));
  }
  if (subject === undefined) return { actor, concerned: undefined };
  const answer = askSubject(subject, { ...question, actor, arguments: detail.subject.arguments });
  if (answer.problem !== undefined) asked.withheld(problem('MCP_LOG_ERR_ERASURE', answer.problem));
  return { actor, concerned: answer.subject };
}

function problem(
  code: 'MCP_LOG_ERR_ACTOR' | 'MCP_LOG_ERR_ERASURE',
  { message, cause }: { readonly message: string; readonly cause?: unknown },
): AuditError {
  return new AuditError(code, message, { cause });
}

function questionOf(
  { method, resource, subject, connection }: OperationDetail,
  { options, shownSession }: Asked,
): ActorQuestion {
  return {
    method,
    resource,
    toolName: subject.toolName,
    sessionId: sessionIdOf(connection, options.settings, shownSession(connection.sessionId)),
    serverName: connection.serverName,
    context: context.active(),
  };
}
