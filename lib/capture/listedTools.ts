import { SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { hasMarks, markedIn } from '../redaction/schemaMarks.js';
import type { KnownSecrets } from '../redaction/walk/knownSecrets.js';
import type { OperationUnderWay } from './connection.js';

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
