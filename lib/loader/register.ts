import nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, type MessagePort } from 'node:worker_threads';
import { requireModuleHooks } from '../internal/runtime.js';
import { shared } from '../internal/shared.js';
import {
  AskedModules,
  mustWrap,
  noteResolved,
  resolvedOnce,
  withHandOver,
  type Hook,
  type Loaded,
  type Resolved,
  type Wrapper,
} from './hooks.js';
import { handOverRequired } from './sdk.js';
import type { ThreadData } from './thread.mjs';

const loader = shared('loader', () => ({ registered: false }));

/** Whether ES modules that this process loads can be patched. */
export function isLoaderHookRegistered(): boolean {
  return loader.registered;
}

/**
 * Lets clients of the MCP SDK be patched in ES modules that are loaded from now on, and wraps the modules that instrumentations
 * ask import-in-the-middle for. Every other module stays as it is. Registers once, however often it is called.
 *
 * @param require The `require` of an entry of this package. It finds the copy of import-in-the-middle that
 *   `@opentelemetry/instrumentation` listens to; another copy would tell no instrumentation of the modules that it wraps.
 * @throws ConfigError where the runtime has no module hooks.
 */
export function registerLoaderHook(require: NodeJS.Require): void {
  if (loader.registered || isHooksThread()) return;
  requireModuleHooks('otel-mcp-log/hook');
  loader.registered = true;
  handOverRequired();
  const instrumentation = nodeModule.createRequire(require.resolve('@opentelemetry/instrumentation'));
  const port = portOfAsked(instrumentation);
  const names = askedBefore(instrumentation);
  if (hasSyncHooks(instrumentation)) registerHere(instrumentation, port, names);
  else registerThread(require, instrumentation, { port, names });
}

/** Node 20 also runs files that `--require` preloads in the thread of its module hooks, which is a worker without a parent. */
export function isHooksThread(): boolean {
  return !isMainThread && parentPort === null;
}

/** Registers hooks in the application's own thread, for versions of Node that can do so and can require ES modules. */
function registerHere(instrumentation: NodeJS.Require, port: MessagePort, names: readonly string[]): void {
  const asked = new AskedModules();
  asked.listenTo(port, names);
  let wrapper: Wrapper<Resolved, Loaded> | undefined;
  const resolve: Hook<Resolved> = (specifier, context, next) => {
    const resolved = next(specifier, context);
    noteResolved(resolved, specifier);
    if (!mustWrap(resolved, specifier, { asked, context })) return resolved;
    wrapper ??= syncWrapper(instrumentation);
    return wrapper.resolve(specifier, context, resolvedOnce(resolved, next));
  };
  const load: Hook<Loaded> = (url, context, next) =>
    withHandOver(url, wrapper === undefined ? next(url, context) : wrapper.load(url, context, next));
  (nodeModule as unknown as SyncHooks).registerHooks({ resolve, load });
}

/** The types of the oldest supported Node lack this function. */
interface SyncHooks {
  registerHooks(hooks: { resolve: Hook<Resolved>; load: Hook<Loaded> }): void;
}

function hasSyncHooks(instrumentation: NodeJS.Require): boolean {
  if (!Reflect.has(nodeModule, 'registerHooks')) return false;
  try {
    // import-in-the-middle knows the versions of Node whose hooks break on CommonJS.
    const { supportsSyncHooks } = instrumentation('import-in-the-middle/supports-sync-hooks.mjs') as {
      supportsSyncHooks(): boolean;
    };
    return supportsSyncHooks();
  } catch {
    return false;
  }
}

function syncWrapper(instrumentation: NodeJS.Require): Wrapper<Resolved, Loaded> {
  const { createHook } = instrumentation('import-in-the-middle/create-hook.mjs') as {
    createHook(meta: { url: string }): { resolveSync: Hook<Resolved>; loadSync: Hook<Loaded> };
  };
  const { resolveSync, loadSync } = createHook({ url: urlOf(instrumentation, 'register-hooks.mjs') });
  return { resolve: resolveSync, load: loadSync };
}

function registerThread(
  require: NodeJS.Require,
  instrumentation: NodeJS.Require,
  { port, names }: { port: MessagePort; names: readonly string[] },
): void {
  const wrapper = {
    create: urlOf(instrumentation, 'create-hook.mjs'),
    meta: urlOf(instrumentation, 'hook.mjs'),
  };
  // The entries of both builds lie one folder below the one that holds the two.
  const thread = pathToFileURL(require.resolve('../esm/loader/thread.mjs')).href;
  const data: ThreadData = { port, names, wrapper };
  nodeModule.register(thread, { data, transferList: [port] });
}

function urlOf(instrumentation: NodeJS.Require, file: string): string {
  return pathToFileURL(instrumentation.resolve(`import-in-the-middle/${file}`)).href;
}

/** The port to which import-in-the-middle sends the module names of each new `Hook`. */
function portOfAsked(instrumentation: NodeJS.Require): MessagePort {
  const { createAddHookMessageChannel } = instrumentation('import-in-the-middle') as {
    createAddHookMessageChannel(): { addHookMessagePort: MessagePort };
  };
  return createAddHookMessageChannel().addHookMessagePort;
}

/** A node of the tree in which OpenTelemetry keeps the names of the modules that its instrumentations patch. */
interface NameNode {
  readonly hooks?: readonly { readonly hook?: { readonly moduleName?: unknown } }[];
  readonly children?: ReadonlyMap<string, NameNode>;
}

/** The module in which OpenTelemetry keeps that tree, in either layout of the package. */
const NAMES_FILE =
  /@opentelemetry[\\/]instrumentation[\\/](?:build[\\/]src|dist)[\\/].*RequireInTheMiddleSingleton\.c?js$/;

interface NamesExports {
  readonly RequireInTheMiddleSingleton?: { _instance?: { _moduleNameTrie?: { _trie?: NameNode } } };
}

/**
 * The names that instrumentations asked for before the hook was registered. Each instrumentation registers its names for
 * `require` as well, where they can be read. If that place has moved, or is an ES module, instrumentations have to be made
 * after the hook.
 */
function askedBefore({ cache }: NodeJS.Require): string[] {
  try {
    return Object.keys(cache)
      .filter((file) => NAMES_FILE.test(file))
      .map((file) => (cache[file]?.exports as NamesExports).RequireInTheMiddleSingleton?._instance)
      .flatMap((singleton) => namesIn(singleton?._moduleNameTrie?._trie ?? {}));
  } catch {
    return [];
  }
}

function namesIn({ hooks = [], children = new Map() }: NameNode): string[] {
  const own = hooks.map((each) => each.hook?.moduleName).filter((name) => typeof name === 'string');
  return [...own, ...[...children.values()].flatMap(namesIn)];
}
