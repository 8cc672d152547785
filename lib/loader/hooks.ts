import type { AskedModules } from './asked.js';
import { tellOwnClient } from './ownClients.js';
import { copyOf, isSupported } from './sdkCopy.js';
import { exportsClient, handingOver, isSdkFile } from './sdkModules.js';

/** What Node hands to a hook beside the specifier or the URL. */
export type HookContext = Record<string, unknown>;

/** Where a specifier leads. */
export interface Resolved {
  url: string;
  format?: string | null | undefined;
}

/** What a URL holds. */
export interface Loaded {
  format?: string | null | undefined;
  source?: string | ArrayBufferView | ArrayBuffer | null | undefined;
}

/** The next hook of a chain, or Node itself. */
export type Next<T> = (name: string, context?: HookContext) => T;

/** One hook of Node's module loader. */
export type Hook<T> = (name: string, context: HookContext, next: Next<T>) => T;

/** The two hooks of import-in-the-middle, made when an instrumentation asks for the first module. */
export interface Wrapper<R, L> {
  readonly resolve: Hook<R>;
  readonly load: Hook<L>;
}

/** How import-in-the-middle marks the URL of a module that it has wrapped. */
const WRAPPED = /[?&]iitm=/;

/** Modules of the wrapping itself: where it is made in answer to the first import, they are loaded under these hooks. */
const WRAPPING = /\/node_modules\/(?:import-in-the-middle|(?:cjs|es)-module-lexer|acorn[^/]*)\//;

/** Files that were imported by the name of the SDK, for a package that is linked to and lies elsewhere. */
const linked = new Set<string>();

/**
 * Whether import-in-the-middle has to wrap a module. What another hook has wrapped already is left as it is, and a wrapper
 * imports the module itself.
 */
export function mustWrap(
  { url }: Resolved,
  specifier: string,
  { asked, context }: { asked: AskedModules; context: HookContext },
): boolean {
  const { parentURL: parent, conditions } = context;
  if (WRAPPED.test(url)) return false;
  if (typeof parent === 'string' && (WRAPPED.test(parent) || WRAPPING.test(parent))) return false;
  // What is required is patched by the hook of `require`.
  if (Array.isArray(conditions) && conditions.includes('require')) return false;
  return asked.includes(url, specifier);
}

/**
 * The next hook for import-in-the-middle, which asks it first for what has just been resolved, and keeps it for what the
 * wrapped module re-exports.
 */
export function resolvedOnce<T>(resolved: T, next: Next<T>): Next<T> {
  let given = false;
  return (name, context) => {
    if (given) return next(name, context);
    given = true;
    return resolved;
  };
}

/** Remembers that a file belongs to the SDK, where its path does not say so. */
export function noteResolved({ url }: Resolved, specifier: string): void {
  if (isSdkFile(url, specifier) && !isSdkFile(url)) linked.add(url);
}

/** What is loaded in the end: itself, or a module of the SDK with the statement that hands its exports over. */
export function withHandOver<T extends Loaded>(url: string, loaded: T): T {
  tellOwnClient(url);
  if ((!isSdkFile(url) && !linked.has(url)) || WRAPPED.test(url)) return loaded;
  const { format, source } = loaded;
  if (source === null || source === undefined || !/^module/.test(format ?? '')) return loaded;
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source as ArrayBuffer);
  if (!exportsClient(text) && !isOfUnknownLayout(url)) return loaded;
  const handed = handingOver(text, url);
  return handed === text ? loaded : { ...loaded, source: handed };
}

/** Where a version that cannot be patched may keep its client under another name, so that it can be told of. */
function isOfUnknownLayout(url: string): boolean {
  if (!/client/i.test(url.replace(/.*\/node_modules\//, ''))) return false;
  const copy = copyOf(url);
  return copy !== undefined && !isSupported(copy.name, copy.version);
}
