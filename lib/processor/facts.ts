import { context, diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../config.js';
import { askSubject } from '../erasure/options.js';
import type { Concerned } from '../erasure/protector.js';
import { AuditError } from '../errors.js';
import { askActor, type Actor, type ActorQuestion } from '../identity.js';
import { sessionIdOf } from './mapping.js';
import type { OperationDetail, ConnectionFacts } from './operation.js';
import { commandLine } from '../redaction/commandLine.js';
import type { Redactor } from '../redaction/createRedactor.js';
import { shared } from '../internal/shared.js';
import { say } from '../internal/stderr.js';
import type { McpRequests } from '../schema/record.js';
import { PACKAGE_NAME } from '../version.js';

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

/** The addresses and commands of servers, redacted for one log. */
export class Dialled {
  readonly #redactor: Redactor;
  /** Redacted commands: a command does not change, and its redaction costs more than the mapping of an operation. */
  readonly #commands = new WeakMap<ConnectionFacts, string>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** The address or command of a connection's server, without secrets. */
  by(connection: ConnectionFacts): string | undefined {
    const known = this.#commands.get(connection);
    if (known !== undefined) return known;
    const { serverCommand } = connection;
    if (serverCommand === undefined) return connection.serverAddress;
    const shown = commandLine(serverCommand, this.#redactor);
    this.#commands.set(connection, shown);
    return shown;
  }
}

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
