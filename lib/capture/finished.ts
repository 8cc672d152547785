import { diag } from '@opentelemetry/api';
import { noteAnnotations } from './annotations.js';
import { noteSchemas } from './toolSchemas.js';
import { measure } from './metrics.js';
import { peek } from './client.js';
import type { RunningOperation } from './running.js';

/** What else the end of an operation tells: its durations to the meter, and the tools that it listed to their watch. */
export function finished(operation: RunningOperation): void {
  try {
    measure(operation);
    const { method, ending, connection, recorders } = operation;
    // A list that the client did not accept has listed nothing.
    const tools =
      method === 'tools/list' && ending?.callerSaw === 'value' ? peek(ending.result, 'tools') : undefined;
    if (!Array.isArray(tools)) return;
    noteAnnotations(connection, tools);
    noteSchemas(connection, tools);
    for (const recorder of recorders) recorder.listed(operation, tools);
  } catch (error) {
    // An exporter's or a hook's bug must not become the caller's.
    diag.error('otel-mcp-log: the end of an operation could not be evaluated', error as Error);
  }
}
