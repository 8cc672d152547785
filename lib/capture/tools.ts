import { SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { hasMarks, markedIn } from '../redaction/toolDefinition.js';
import type { KnownSecrets } from '../redaction/walk/pass.js';
import type { OperationUnderWay } from './connection.js';
import { RefusedError } from '../errors.js';
import { SealedCall } from '../tools/approval.js';
import type { Elicit } from '../tools/approvals.js';
import type { Method } from './client.js';

/** What a server has said of a tool that matters to its calls. */
interface ListedTool {
  /** The hints of the tool's annotations. */
  readonly hints?: object | undefined;
  /** The schemas of its arguments and of its result, where they mark something as secret. */
  readonly input?: unknown;
  readonly output?: unknown;
}

/** The tools that have such facts, by connection. */
const listed = shared('listed tools', () => new WeakMap<object, Map<string, ListedTool>>());

/** Nothing is kept of further tools: their names come from servers, and there may be any number. */
const MAX_TOOLS = 10_000;

/** The hints of `ToolAnnotations` (revisions from 2025-03-26), without the title, which says nothing of what a tool does. */
const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];

/** Stand for the connections of each server of this process, which has the same tools for all of them: a stateless one has many. */
const served = shared('served tools', () => new Map<string, object>());
/** At so many servers, all are forgotten: a program may make up their names. */
const MAX_SERVERS = 1_000;

function keyOf(connection: object): object {
  if (peek(connection, 'side') !== 'server') return connection;
  const name = `${String(peek(connection, 'serverName'))} ${String(peek(connection, 'serverVersion'))}`;
  let key = served.get(name);
  if (key === undefined) {
    if (served.size >= MAX_SERVERS) served.clear();
    served.set(name, (key = {}));
  }
  return key;
}

/** Keeps what a list says of its tools. What an earlier list said of one of them no longer counts. */
function noteTools(connection: object, tools: readonly unknown[]): void {
  const key = keyOf(connection);
  const byName = listed.get(key) ?? new Map<string, ListedTool>();
  listed.set(key, byName);
  for (const each of tools) {
    const name = peek(each, 'name');
    if (typeof name !== 'string') continue;
    const tool: ListedTool = {
      hints: hintsOf(each),
      input: markedSchema(each, 'inputSchema'),
      output: markedSchema(each, 'outputSchema'),
    };
    if (Object.values(tool).every((fact) => fact === undefined)) byName.delete(name);
    else if (byName.has(name) || byName.size < MAX_TOOLS) byName.set(name, tool);
  }
}

/** Lets a connection know the tools that another has learned of, and the other way round. */
export function shareTools(known: object, connection: object): void {
  const byName = listed.get(known) ?? new Map<string, ListedTool>();
  listed.set(known, byName).set(connection, byName);
}

/** Passes on the tools that an operation has listed. A list that the client refused does not count. */
export function passOnTools(operation: OperationUnderWay): void {
  const { method, ending, connection, recorders } = operation;
  if (method !== 'tools/list') return;
  const isServed = operation.kind === SpanKind.SERVER;
  const isTaken = isServed ? ending?.outcome === 'OUTCOME_SUCCESS' : ending?.callerSaw === 'value';
  const tools = isTaken ? peek(ending?.result, 'tools') : undefined;
  if (!Array.isArray(tools)) return;
  noteTools(connection, tools);
  for (const recorder of recorders) recorder.listed(operation, tools);
}

function hintsOf(tool: unknown): object | undefined {
  const annotations = peek(tool, 'annotations');
  const hints = HINTS.map((hint): [string, unknown] => [hint, peek(annotations, hint)]);
  const given = hints.filter(([, value]) => typeof value === 'boolean');
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** A copy, since the list is its caller's. Of a schema that cannot be read, every value counts as secret. */
function markedSchema(tool: unknown, field: string): unknown {
  const schema = peek(tool, field);
  try {
    return hasMarks(schema) ? structuredClone(schema) : undefined;
  } catch {
    return { writeOnly: true };
  }
}

function toolOf(connection: object, name: string | undefined): ListedTool | undefined {
  return name === undefined ? undefined : listed.get(keyOf(connection))?.get(name);
}

/** The hints that a tool was last listed with. */
export function annotationsOf(connection: object, tool: string | undefined): object | undefined {
  return toolOf(connection, tool)?.hints;
}

/** What the schema of a called tool marks as secret in the arguments. */
export function markedArguments({ connection, subject }: OperationUnderWay): KnownSecrets | undefined {
  const input = toolOf(connection, subject.toolName)?.input;
  return input === undefined ? undefined : markedIn(input, subject.arguments, ['mcp', 'tool_arguments']);
}

/**
 * What a result holds that a schema marks as secret: the structured content of a tool, or the user's answer to a form. A server is
 * likely to repeat that answer in the results of calls which are under way.
 */
export function markedResult(
  { method, connection, subject }: OperationUnderWay,
  result: unknown,
): KnownSecrets | undefined {
  if (method === 'elicitation/create') {
    const form = peek(subject.arguments, 'requestedSchema');
    if (!hasMarks(form)) return undefined;
    const marked = markedIn(form, peek(result, 'content'), ['mcp', 'tool_result', 'content']);
    for (const running of connection.underWay) running.learn({ texts: marked?.texts });
    return marked;
  }
  const output = toolOf(connection, subject.toolName)?.output;
  if (output === undefined) return undefined;
  return markedIn(output, peek(result, 'structuredContent'), ['mcp', 'tool_result', 'structuredContent']);
}

/** The method by which a server asks the user of a client. */
const ELICITATION = 'elicitation/create';

/**
 * Gets the approvals that the recorders want for a call of a tool, one after the other. Until all have been given, no request of the
 * operation passes its transport.
 *
 * @returns undefined where none is wanted; else a promise of what refuses the call, or of undefined where it may be made. It may be
 * made as well where its caller has given it up meanwhile: the client then fails as without us, and sends nothing.
 */
export function approvalOf(running: OperationUnderWay): Promise<Error | undefined> | undefined {
  if (running.method !== 'tools/call' || running.kind !== SpanKind.CLIENT) return undefined;
  if (!running.recorders.some((recorder) => recorder.asksBeforeCalls)) return undefined;
  const means = {
    get sealed() {
      return seal(running);
    },
    signal: running.signal,
    elicit: elicitorOf(running.client),
  };
  const wanting = running.recorders.filter((recorder) => recorder.wantsApproval(running, means));
  if (wanting.length === 0) {
    running.sealed = undefined;
    return undefined;
  }
  seal(running);
  return (async () => {
    for (const recorder of wanting) {
      // One after the other, so that no approver is asked about a call that another log has refused.
      const refusal = await recorder.approve(running, means);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  })();
}

/** Lets nothing out but the call as it is now, and that once it is approved. */
function seal(running: OperationUnderWay): SealedCall {
  return (running.sealed ??= new SealedCall(running.subject.toolName, running.subject.arguments));
}

/**
 * A request of an operation as it may go out.
 *
 * @param over The transport, where the operation itself gives it the request.
 * @throws RefusedError where the call needs an approval, and this is not what was approved.
 */
export function released(
  { sealed, method, connection }: OperationUnderWay,
  request: object,
  over?: object,
): object {
  if (sealed === undefined || peek(request, 'method') !== method) return request;
  // The client may have connected to another server while the approval was pending.
  if (over !== undefined && !connection.isOver(over))
    throw new RefusedError('approval_mismatch', 'the call was approved for another connection');
  return sealed.pass(request);
}

/** What asks the user of a client, as its server would: the handler that its owner has set for that. */
function elicitorOf(client: object): Elicit | undefined {
  const handlers = peek(client, '_requestHandlers');
  // The AI SDK's client keeps it as it was given.
  const handler =
    handlers instanceof Map ? handlers.get(ELICITATION) : peek(client, 'elicitationRequestHandler');
  if (typeof handler !== 'function') return undefined;
  return async (params, signal) => {
    const request = { method: ELICITATION, params };
    return Reflect.apply(handler as Method, client, [request, contextOf(signal)]) as unknown;
  };
}

/** What handlers get beside the request: `extra` of version 1 and `ctx` of version 2, for a request that came from no server. */
function contextOf(signal: AbortSignal): object {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('the question comes from the audit log, and there is no request to answer to'));
  const id = 'approval';
  return {
    signal,
    requestId: id,
    sendNotification: refuse,
    sendRequest: refuse,
    mcpReq: { id, method: ELICITATION, signal, send: refuse, notify: refuse },
  };
}
