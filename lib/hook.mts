// Entry `otel-mcp-log/hook`: lets instrumentations patch ES modules. Load it before the modules that are to be patched:
// `node --import otel-mcp-log/hook app.js`, or as the first import of the file that you `--import` already.
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

/** What import-in-the-middle 3 exports for loading in the application's own thread. */
interface SyncHooks {
  register(): void;
  supportsSyncHooks(): boolean;
}

const REGISTERED = Symbol.for('otel-mcp-log/hook');

if (!Reflect.has(globalThis, REGISTERED)) {
  Object.defineProperty(globalThis, REGISTERED, { value: true });
  // The loader must be the very copy of import-in-the-middle that @opentelemetry/instrumentation listens to.
  const instrumentation = createRequire(
    createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'),
  );
  const syncHooks = pathToFileURL(instrumentation.resolve('import-in-the-middle/register-hooks.mjs')).href;
  const { register: registerSync, supportsSyncHooks } = (await import(syncHooks)) as SyncHooks;
  if (supportsSyncHooks()) registerSync();
  else register(pathToFileURL(instrumentation.resolve('import-in-the-middle/hook.mjs')).href);
}
