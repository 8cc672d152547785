import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { shared } from './shared.js';

/** What import-in-the-middle 3 exports for loading in the application's own thread. */
interface SyncHooks {
  register(): void;
  supportsSyncHooks(): boolean;
}

/**
 * Lets instrumentations patch ES modules that are loaded from now on; once, however often it is asked for.
 *
 * @param require of a file of this package. It finds the very copy of import-in-the-middle that
 *   `@opentelemetry/instrumentation` listens to: a second copy would wrap modules that nobody is told of.
 */
export function registerLoaderHook(require: NodeJS.Require): void {
  shared('hook', () => {
    const instrumentation = nodeModule.createRequire(require.resolve('@opentelemetry/instrumentation'));
    // Where Node has hooks for the application's own thread, it can also require an ES module.
    if (Reflect.has(nodeModule, 'registerHooks')) {
      const hooks = instrumentation('import-in-the-middle/register-hooks.mjs') as SyncHooks;
      if (hooks.supportsSyncHooks()) {
        hooks.register();
        return { kind: 'registerHooks' };
      }
    }
    const hook = instrumentation.resolve('import-in-the-middle/hook.mjs');
    nodeModule.register(pathToFileURL(hook).href);
    return { kind: 'register' };
  });
}
