import { shared, sharedName } from '../internal/shared.js';

/** A module of the MCP SDK that this process has loaded as an ES module. */
export interface SdkModule {
  readonly exports: unknown;
  readonly url: string;
}

const KEY = 'sdkModules';

const state = shared(KEY, () => ({
  seen: [] as SdkModule[],
  listeners: new Set<(module: SdkModule) => void>(),
  /** Called by the statement that {@link handingOver} adds to a module of the SDK. It must not throw there. */
  take(exports: unknown, url: string): void {
    const module = { exports, url };
    state.seen.push(module);
    for (const listener of state.listeners) tell(listener, module);
  },
}));

/** Calls a listener with each module of the SDK that was loaded under the loader hook, and with those that will be. */
export function onSdkModule(listener: (module: SdkModule) => void): void {
  if (state.listeners.has(listener)) return;
  state.listeners.add(listener);
  for (const module of state.seen) tell(listener, module);
}

function tell(listener: (module: SdkModule) => void, module: SdkModule): void {
  try {
    listener(module);
  } catch {
    // What goes wrong in an instrumentation must not keep the application from loading its SDK.
  }
}

/** The packages that hold a client of the SDK, installed under any path, or linked to and imported by their name. */
const SDK_FOLDER = /\/node_modules\/@modelcontextprotocol\/(?:sdk|client)\//;
const SDK_SPECIFIER = /^@modelcontextprotocol\/(?:sdk|client)(?:\/|$)/;

/** Whether what an import names is a file of the SDK. */
export function isSdkFile(url: string, specifier?: string): boolean {
  return SDK_FOLDER.test(url) || (specifier !== undefined && SDK_SPECIFIER.test(specifier));
}

const EXPORTS_CLIENT = /\bexport\s*(?:(?:class|const|let|var)\s+Client\b|\{[^}]*\bClient\b)/;

/** Whether a module declares or re-exports something by the name of the client class. */
export function exportsClient(source: string): boolean {
  return EXPORTS_CLIENT.test(source);
}

/** Where the statement is there already: a second copy of this package has a loader hook of its own. */
const MARK = '/* otel-mcp-log */';

/**
 * The source of an ES module of the SDK, with a statement at its end that hands its exports to this process's
 * instrumentation. The module stays what it was: under its own URL, with its own bindings, its lines where they were. A
 * wrapper module around it, as other hooks make one, would freeze the bindings that it re-exports, and where two hooks wrap
 * the same module, one of them is never told of it.
 *
 * @param url of the module, which imports itself by it: that reaches its exports whatever they are called inside.
 */
export function handingOver(source: string, url: string): string {
  if (source.includes(MARK)) return source;
  const own = JSON.stringify(url);
  const take = `globalThis[Symbol.for(${JSON.stringify(sharedName(KEY))})]?.take(otelMcpLogOwnExports, ${own});`;
  return `${source}\n${MARK} import * as otelMcpLogOwnExports from ${own}; ${take}\n`;
}
