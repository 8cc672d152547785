import { diag } from '@opentelemetry/api';

/**
 * Runs something of OpenTelemetry's that calls other people's code (samplers, span processors, propagators, hooks). A throw
 * there must neither reach the caller of an MCP operation nor cost the record: it is logged, and undefined given.
 */
export function guarded<T>(what: string, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    diag.error(`otel-mcp-log: ${what} threw ${error instanceof Error ? error.name : typeof error}`);
    return undefined;
  }
}
