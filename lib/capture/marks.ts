import type { KnownSecrets } from '../redaction/walk/knownSecrets.js';
import { hasMarks, markedIn } from '../redaction/schemaMarks.js';
import { peek } from './client.js';
import type { RunningOperation } from './running.js';
import { schemasOf } from './toolSchemas.js';

/** What the schema of a called tool marks as secret in the arguments. */
export function markedArguments({ connection, subject }: RunningOperation): KnownSecrets | undefined {
  const input = schemasOf(connection, subject.toolName)?.input;
  return input === undefined ? undefined : markedIn(input, subject.arguments, ['mcp', 'tool_arguments']);
}

/**
 * What a result holds that a schema marks as secret: the structured content of a tool's, the user's answer to a form. What a user
 * has answered is likely to come back in what the server was asked for meanwhile.
 */
export function markedResult(
  { method, connection, subject }: RunningOperation,
  result: unknown,
): KnownSecrets | undefined {
  if (method === 'elicitation/create') {
    const form = peek(subject.arguments, 'requestedSchema');
    if (!hasMarks(form)) return undefined;
    const marked = markedIn(form, peek(result, 'content'), ['mcp', 'tool_result', 'content']);
    for (const running of connection.underWay) running.learn({ echoes: marked?.echoes });
    return marked;
  }
  const output = schemasOf(connection, subject.toolName)?.output;
  if (output === undefined) return undefined;
  return markedIn(output, peek(result, 'structuredContent'), ['mcp', 'tool_result', 'structuredContent']);
}
