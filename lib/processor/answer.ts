import type { McpDetail } from '../schema/record.js';
import { read, readText } from './read.js';

/** Where revision 2026-07-28 of the protocol has each result name its server. */
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/** What a server answered a request with, as it stood on the wire: before the client had a look at it. */
export interface Answer {
  readonly kind: NonNullable<McpDetail['answer']>;
  /** The code of a JSON-RPC error. */
  readonly code?: string | undefined;
  readonly task?: TaskFacts | undefined;
  /** Who answered, by its own account. */
  readonly server?: { readonly name?: string | undefined; readonly version?: string | undefined } | undefined;
  /** The result itself. */
  readonly result?: unknown;
}

/** A task that a server works on, or has worked on. */
export interface TaskFacts {
  readonly id: string;
  readonly status?: string | undefined;
}

/** Reads a JSON-RPC response, of either SDK and any revision of the protocol. */
export function readAnswer(response: unknown): Answer {
  const error = read(response, 'error');
  if (error !== undefined) return { kind: 'error', code: codeIn(error) };
  const result = read(response, 'result');
  const info = read(read(result, '_meta'), SERVER_INFO);
  const server =
    info === undefined ? undefined : { name: readText(info, 'name'), version: readText(info, 'version') };
  return { kind: kindOf(result), task: taskIn(result), server, result };
}

/** What kind of answer a result is. */
export function kindOf(result: unknown): Answer['kind'] {
  if (read(result, 'isError') === true) return 'tool_error';
  if (read(result, 'resultType') === 'input_required') return 'input_required';
  const isTask =
    read(result, 'resultType') === 'task' || readText(read(result, 'task'), 'taskId') !== undefined;
  return isTask ? 'task' : 'result';
}

/** The task that a result tells of: revision 2025-11-25 has it under `task`, the extension of 2026 in the result itself. */
export function taskIn(result: unknown): TaskFacts | undefined {
  for (const place of [read(result, 'task'), result]) {
    const id = readText(place, 'taskId');
    if (id !== undefined) return { id, status: readText(place, 'status') };
  }
  return undefined;
}

function codeIn(error: unknown): string | undefined {
  const code = read(error, 'code');
  return typeof code === 'number' ? String(code) : undefined;
}
