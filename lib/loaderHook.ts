import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { requireModuleHooks } from './runtime.js';
import { shared } from './shared.js';

/** What import-in-the-middle 3 exports for loading in the application's own thread. */
interface SyncHooks {
  register(): void;
  supportsSyncHooks(): boolean;
}

const hook = shared('hook', () => ({ registered: false }));

/** Whether ES modules that this process loads can be patched. */
export function isLoaderHookRegistered(): boolean {
  return hook.registered;
}

/**
 * Lets instrumentations patch ES modules that are loaded from now on; once, however often it is asked for.
 *
 * @param require of a file of this package. It finds the very copy of import-in-the-middle that
 *   `@opentelemetry/instrumentation` listens to: a second copy would wrap modules that nobody is told of.
 * @throws ConfigError where the runtime has no module hooks.
 */
export function registerLoaderHook(require: NodeJS.Require): void {
  if (hook.registered) return;
  requireModuleHooks('otel-mcp-log/hook');
  hook.registered = true;
  const instrumentation = nodeModule.createRequire(require.resolve('@opentelemetry/instrumentation'));
  // Where Node has hooks for the application's own thread, it can also require an ES module.
  if (Reflect.has(nodeModule, 'registerHooks')) {
    const hooks = instrumentation('import-in-the-middle/register-hooks.mjs') as SyncHooks;
    if (hooks.supportsSyncHooks()) {
      hooks.register();
      return;
    }
  }
  nodeModule.register(pathToFileURL(instrumentation.resolve('import-in-the-middle/hook.mjs')).href);
}
