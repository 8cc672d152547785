import type { AuditOptions } from '../../lib/config.js';
import { withLogging } from '../../lib/withLogging.js';
import type { McpClientLike } from '../../lib/capture/client.js';
import { MemorySink } from './memorySink.js';

/** Wraps a client, and gives the sink that its records go to. */
export function audited(client: McpClientLike, options: Partial<AuditOptions> = {}): MemorySink {
  const sink = new MemorySink();
  withLogging(client, { sink, environment: 'test', ...options });
  return sink;
}

/** What a promise rejects with, or undefined. */
export async function rejection(promise: unknown): Promise<unknown> {
  try {
    await promise;
  } catch (reason) {
    return reason;
  }
  return undefined;
}

/** Lets everything that is ready run; the in-memory transports and sinks need no timers. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
