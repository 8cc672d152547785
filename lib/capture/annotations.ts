import { shared } from '../internal/shared.js';
import { peek } from './client.js';

/** What servers have said of their tools, by connection. */
const known = shared('tool annotations', () => new WeakMap<object, Map<string, object>>());

/** Names come from servers: beyond so many, further tools are listed without their annotations being known. */
const MAX_TOOLS = 10_000;

/** The hints of `ToolAnnotations` (revisions from 2025-03-26); a title is no fact of what a tool does. */
const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];

/** Keeps what a list of tools says of them; a tool that is listed without hints has none from now on. */
export function noteAnnotations(connection: object, tools: readonly unknown[]): void {
  const byTool = known.get(connection) ?? new Map<string, object>();
  known.set(connection, byTool);
  for (const tool of tools) {
    const name = peek(tool, 'name');
    if (typeof name !== 'string') continue;
    const annotations = peek(tool, 'annotations');
    const hints = HINTS.map((hint): [string, unknown] => [hint, peek(annotations, hint)]);
    const given = hints.filter(([, value]) => typeof value === 'boolean');
    if (given.length === 0) byTool.delete(name);
    else if (byTool.has(name) || byTool.size < MAX_TOOLS) byTool.set(name, Object.fromEntries(given));
  }
}

/** The hints that a tool was last listed with. */
export function annotationsOf(connection: object, tool: string | undefined): object | undefined {
  return tool === undefined ? undefined : known.get(connection)?.get(tool);
}
