import { AsyncLocalStorage } from 'node:async_hooks';
import { context, type Context } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';

/** Carries a context where no context manager is registered, so that what user code audits has its calls as children. */
const scope = shared('scope', () => new AsyncLocalStorage<Context>());

/** The context that an operation begins in. */
export function callerContext(): Context {
  return scope.getStore() ?? context.active();
}

/** Runs a function in a context, with or without a context manager. */
export function within<T>(inner: Context, run: () => T): T {
  return context.with(inner, () => (context.active() === inner ? run() : scope.run(inner, run)));
}
