import { SUPPORTED, isSupported, type SdkCopy } from '../loader/sdkCopy.js';
import { tellUnaudited } from '../internal/say.js';
import { shared } from '../internal/shared.js';
import { peek, type McpClientClass } from './client.js';
import { clientClassIn } from './patch.js';

/** Client classes that a loader has shown us; kept for every instrumentation that comes later. */
export const discovered = shared('discovered', () => new Set<McpClientClass>());

/**
 * The client class in what a module of the SDK exports, from then on among those that are {@link discovered}. A copy whose
 * clients cannot be audited is told of instead.
 *
 * @param copy that the module belongs to, where that is known.
 */
export function discover(
  exports: unknown,
  copy: Omit<SdkCopy, 'path'> & Partial<SdkCopy>,
): McpClientClass | undefined {
  const { name, version, path } = copy;
  const what = [name, version, path === undefined ? undefined : `in ${path}`].filter(Boolean).join(' ');
  if (!isSupported(name, version)) {
    tellUnaudited(
      `clients of ${what}: supported are ${SUPPORTED} (docs/troubleshooting.md, sdk-unsupported)`,
    );
    return undefined;
  }
  const client = clientClassIn(exports);
  if (client !== undefined) discovered.add(client);
  else if (typeof peek(exports, 'Client') === 'function')
    tellUnaudited(
      `clients of ${what}: its Client lacks methods that this package patches (docs/capture.md, SDK versions)`,
    );
  return client;
}
