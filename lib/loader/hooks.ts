import { fileURLToPath } from 'node:url';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import {
  mayHaveOwnClient,
  withOwnClient,
  copyOf,
  isSupported,
  exportsPatched,
  handingOver,
  isSdkFile,
} from './sdk.js';

/** The last package that a path leads through: its name, with its scope if it has one. */
const PACKAGE = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/**
 * The modules that the instrumentations of this process have asked import-in-the-middle for. The name of a package stands for
 * all its files, because an instrumentation may patch any of them. A file is asked for by its path, a module of Node by its name.
 */
export class AskedModules {
  readonly #names: Set<string>;
  readonly #ports = new Set<MessagePort>();

  /** @param names The modules that were asked for before. */
  constructor(names: readonly string[] = []) {
    this.#names = new Set(names);
  }

  /** Takes names from a port as well: import-in-the-middle sends the list of each new `Hook` over it. */
  listenTo(port: MessagePort, names: readonly string[] = []): void {
    for (const name of names) this.#names.add(name);
    port.unref();
    this.#ports.add(port);
  }

  /**
   * Whether a module was asked for so far. The ports are read here rather than on their `message` event: an application that
   * registers an instrumentation and imports its target in the next line is faster than the event.
   *
   * @param specifier The specifier of the import, as it was written.
   */
  includes(url: string, specifier: string): boolean {
    for (const port of this.#ports) this.#read(port);
    if (this.#names.size === 0) return false;
    if (this.#names.has(specifier)) return true;
    if (url.startsWith('node:')) return this.#names.has(url) || this.#names.has(url.slice('node:'.length));
    const path = pathOf(url);
    if (path === undefined) return false;
    const name = PACKAGE.exec(path)?.[1]?.replace('\\', '/');
    return (name !== undefined && this.#names.has(name)) || this.#names.has(path);
  }

  #read(port: MessagePort): void {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      const { message } = next as { message: unknown };
      if (!Array.isArray(message)) continue;
      for (const name of message) if (typeof name === 'string') this.#names.add(name);
    }
  }
}

function pathOf(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

/** The context that Node gives a hook with the specifier or the URL. */
export type HookContext = Record<string, unknown>;

/** What a `resolve` hook returns. */
export interface Resolved {
  url: string;
  format?: string | null | undefined;
}

/** What a `load` hook returns. */
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

/** Modules of import-in-the-middle itself. They are loaded under these hooks where the first import makes the wrapper. */
const WRAPPING = /\/node_modules\/(?:import-in-the-middle|(?:cjs|es)-module-lexer|acorn[^/]*)\//;

/** Files that were imported by the name of the SDK and lie elsewhere, because the package is a link. */
const linked = new Set<string>();

/**
 * Whether import-in-the-middle has to wrap a module. A module that another hook has wrapped is left as it is, and so is the
 * module that a wrapper imports.
 */
export function mustWrap(
  { url }: Resolved,
  specifier: string,
  { asked, context }: { asked: AskedModules; context: HookContext },
): boolean {
  const { parentURL: parent, conditions } = context;
  if (WRAPPED.test(url)) return false;
  if (typeof parent === 'string' && (WRAPPED.test(parent) || WRAPPING.test(parent))) return false;
  // The hook of `require` patches modules that are required.
  if (Array.isArray(conditions) && conditions.includes('require')) return false;
  return asked.includes(url, specifier);
}

/**
 * The next hook for import-in-the-middle. It first asks for the module that has just been resolved, then for those that this
 * module re-exports.
 */
export function resolvedOnce<T>(resolved: T, next: Next<T>): Next<T> {
  let given = false;
  return (name, context) => {
    if (given) return next(name, context);
    given = true;
    return resolved;
  };
}

/** Remembers that a file belongs to the SDK, where its path does not show it. */
export function noteResolved({ url }: Resolved, specifier: string): void {
  if (isSdkFile(url, specifier) && !isSdkFile(url)) linked.add(url);
}

/** The module as it was loaded; a module of the SDK gets a statement that hands its exports over. */
export function withHandOver<T extends Loaded>(url: string, loaded: T): T {
  const isSdk = isSdkFile(url) || linked.has(url);
  if ((!isSdk && !mayHaveOwnClient(url)) || WRAPPED.test(url)) return loaded;
  const { format, source } = loaded;
  if (source === null || source === undefined || !/^module/.test(format ?? '')) return loaded;
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source as ArrayBuffer);
  if (!isSdk) return withSource(loaded, text, withOwnClient(text, url));
  if (!exportsPatched(text) && !isOfUnknownLayout(url)) return loaded;
  return withSource(loaded, text, handingOver(text, url));
}

function withSource<T extends Loaded>(loaded: T, before: string, source: string): T {
  return source === before ? loaded : { ...loaded, source };
}

/** Whether a file may hold the client or the server of a version that cannot be patched, so that this can be reported. */
function isOfUnknownLayout(url: string): boolean {
  if (!/client|server/i.test(url.replace(/.*\/node_modules\//, ''))) return false;
  const copy = copyOf(url);
  return copy !== undefined && !isSupported(copy.name, copy.version);
}
