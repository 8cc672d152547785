import Module from 'node:module';
import type { McpClientClass } from './client.js';
import { clientClassIn } from './patch.js';

const SDK_FILE =
  /[\\/]@modelcontextprotocol[\\/](?:sdk[\\/]dist[\\/]cjs[\\/]client[\\/]index\.js|client[\\/]dist[\\/]index\.cjs)$/;

/** Client classes of copies of the SDK that CommonJS had loaded before anyone could hook it. */
export function loadedClientClasses(): McpClientClass[] {
  const cache =
    (Module as unknown as { _cache?: Record<string, { exports?: unknown } | undefined> })._cache ?? {};
  return Object.keys(cache)
    .filter((file) => SDK_FILE.test(file))
    .map((file) => clientClassIn(cache[file]?.exports))
    .filter((client) => client !== undefined);
}
