import { hasMarks } from '../redaction/schemaMarks.js';
import { shared } from '../internal/shared.js';
import { peek } from './client.js';

/** The schemas of a tool that mark something as secret. */
export interface MarkedSchemas {
  readonly input?: unknown;
  readonly output?: unknown;
}

/** What servers have said of their tools, by connection: only of tools that have something secret. */
const known = shared('tool schemas', () => new WeakMap<object, Map<string, MarkedSchemas>>());

/** Names come from servers: beyond so many, the schemas of further tools are not known. */
const MAX_TOOLS = 10_000;

/** Keeps the schemas of a list of tools that mark something; a tool that is listed without marks has none from now on. */
export function noteSchemas(connection: object, tools: readonly unknown[]): void {
  const byTool = known.get(connection) ?? new Map<string, MarkedSchemas>();
  known.set(connection, byTool);
  for (const tool of tools) {
    const name = peek(tool, 'name');
    if (typeof name !== 'string') continue;
    const schemas = { input: markedSchema(tool, 'inputSchema'), output: markedSchema(tool, 'outputSchema') };
    if (schemas.input === undefined && schemas.output === undefined) byTool.delete(name);
    else if (byTool.has(name) || byTool.size < MAX_TOOLS) byTool.set(name, schemas);
  }
}

/** A copy, since the list is its caller's; what cannot be read marks everything. */
function markedSchema(tool: unknown, field: string): unknown {
  const schema = peek(tool, field);
  try {
    return hasMarks(schema) ? structuredClone(schema) : undefined;
  } catch {
    return { writeOnly: true };
  }
}

/** The schemas of a tool as it was last listed, if they mark anything. */
export function schemasOf(connection: object, tool: string | undefined): MarkedSchemas | undefined {
  return tool === undefined ? undefined : known.get(connection)?.get(tool);
}
