// The hooks for versions of Node that cannot run them in the application's own thread (no `registerHooks`, or one that breaks on
// CommonJS). They run in a thread of their own, which `module.register` starts. The names of the modules that instrumentations
// ask for arrive over a message port.
import type { MessagePort } from 'node:worker_threads';
import {
  AskedModules,
  mustWrap,
  noteResolved,
  resolvedOnce,
  withHandOver,
  type HookContext,
  type Loaded,
  type Next,
  type Resolved,
  type Wrapper,
} from './hooks.js';

/** What the application's thread passes to the thread of the hooks. */
export interface ThreadData {
  readonly port: MessagePort;
  /** The modules that were asked for before. */
  readonly names: readonly string[];
  /** Where the copy of import-in-the-middle is that the instrumentations use. */
  readonly wrapper: { readonly create: string; readonly meta: string };
}

type Eventually<T> = T | Promise<T>;

type ThreadWrapper = Wrapper<Eventually<Resolved>, Eventually<Loaded>>;

const asked = new AskedModules();
let location: ThreadData['wrapper'] | undefined;
let making: Promise<ThreadWrapper> | undefined;
/** Undefined until it is made. Meanwhile nothing is wrapped: the modules that making it loads must not wait for it. */
let wrapper: ThreadWrapper | undefined;

/** Node calls this for each thread of the application that registers these hooks; several threads can share them. */
export function initialize({ port, names, wrapper: where }: ThreadData): void {
  location ??= where;
  asked.listenTo(port, names);
}

/** Finds a module, and wraps it if an instrumentation has asked for it. */
export async function resolve(
  specifier: string,
  context: HookContext,
  next: Next<Eventually<Resolved>>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  noteResolved(resolved, specifier);
  if (!mustWrap(resolved, specifier, { asked, context })) return resolved;
  wrapper ??= await (making ??= makeWrapper());
  return wrapper.resolve(specifier, context, resolvedOnce(resolved, next));
}

/** Loads a module: of the SDK, with its hand-over; another as it is. */
export async function load(
  url: string,
  context: HookContext,
  next: Next<Eventually<Loaded>>,
): Promise<Loaded> {
  const loaded = await (wrapper === undefined ? next(url, context) : wrapper.load(url, context, next));
  return withHandOver(url, loaded);
}

async function makeWrapper(): Promise<ThreadWrapper> {
  const { create, meta } = location as ThreadData['wrapper'];
  const { createHook } = (await import(create)) as { createHook(meta: { url: string }): ThreadWrapper };
  return createHook({ url: meta });
}
