import Module from 'node:module';
import type { McpClientClass } from './client.js';
import { clientClassIn } from './patch.js';

const SDK_FILE =
  /[\\/]@modelcontextprotocol[\\/](?:sdk[\\/]dist[\\/]cjs[\\/]client[\\/]index\.js|client[\\/]dist[\\/]index\.cjs)$/;

/** Modules with a client of the SDK that CommonJS had loaded before anyone could hook it. */
export function loadedModules(): { readonly file: string; readonly exports: unknown }[] {
  const cache =
    (Module as unknown as { _cache?: Record<string, { exports?: unknown } | undefined> })._cache ?? {};
  return Object.keys(cache)
    .filter((file) => SDK_FILE.test(file))
    .map((file) => ({ file, exports: cache[file]?.exports }));
}

/** Their client classes. */
export function loadedClientClasses(): McpClientClass[] {
  return loadedModules()
    .map(({ exports }) => clientClassIn(exports))
    .filter((client) => client !== undefined);
}
