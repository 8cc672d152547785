import { ConfigError } from '../errors.js';

/** The runtime, where it is not Node.js itself but takes its place. */
export function otherRuntime(): 'Bun' | 'Deno' | undefined {
  if (process.versions['bun'] !== undefined) return 'Bun';
  return process.versions['deno'] === undefined ? undefined : 'Deno';
}

/** Why clients are not patched as they are loaded where {@link otherRuntime} names a runtime, and what to do. */
export function noModuleHooks(): string {
  return (
    `${otherRuntime()} has no module hooks, so clients are not patched as they are loaded; ` +
    'wrap each with withLogging(client, options), or patch their class with instrumentClient(Client)'
  );
}

/**
 * Stops what does nothing but patch modules as they are loaded, where the runtime has no hooks for that: the application
 * would go on believing itself audited.
 *
 * @throws ConfigError where this is not Node.js.
 */
export function requireModuleHooks(entry: string): void {
  if (otherRuntime() !== undefined) throw new ConfigError(entry, noModuleHooks());
}
