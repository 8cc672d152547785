import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Module from 'node:module';
import { diag } from '@opentelemetry/api';
import { shared, sharedName } from '../internal/shared.js';
import { sayOnce } from '../internal/stderr.js';
import { PACKAGE_NAME } from '../version.js';

/** The package of SDK v1. */
export const SDK_V1 = '@modelcontextprotocol/sdk';
/** The package that holds the client of SDK v2. */
export const SDK_V2 = '@modelcontextprotocol/client';
/** The package that holds the server of SDK v2. */
export const SDK_V2_SERVER = '@modelcontextprotocol/server';
/** The packages whose classes are patched. */
const PACKAGES: readonly string[] = [SDK_V1, SDK_V2, SDK_V2_SERVER];

/** An installed package, as its `package.json` describes it. */
export interface SdkCopy {
  readonly name: string;
  readonly version: string | undefined;
  readonly path: string;
}

/** Semantic Versioning 2.0.0: three numbers, perhaps a pre-release after a hyphen, perhaps build metadata after a plus. */
const SEMVER = /^v?(\d+)\.(\d+)\.(\d+)(?:-[\w.-]+)?(?:\+[\w.-]+)?$/;

/**
 * Whether clients and servers of this version can be patched: 1.10 and later 1.x of v1, and 2.x of v2, pre-releases included. A copy
 * without a version, and one of another package, is accepted here and judged by its exports.
 */
export function isSupported(name: string, version: string | undefined): boolean {
  if (version === undefined || !PACKAGES.includes(name)) return true;
  const match = SEMVER.exec(version.trim());
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return name === SDK_V1 ? major === 1 && minor >= 10 : major === 2;
}

/** The versions that can be patched, for people. */
export const SUPPORTED = `${SDK_V1} from 1.10.0 (1.x), ${SDK_V2} 2.x and ${SDK_V2_SERVER} 2.x`;

/** The copy of the SDK that a file belongs to, by its path or its URL; undefined for other files. */
export function copyOf(file: string): SdkCopy | undefined {
  const installed = packageOf(file);
  return installed !== undefined && PACKAGES.includes(installed.name) ? installed : undefined;
}

/** The package that a file belongs to, by its path or its URL; undefined where that cannot be known. */
export function packageOf(file: string): SdkCopy | undefined {
  try {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const { name, version } = manifestIn(folder);
      // A manifest without a name lies in a folder of a package and only says which kind of modules the folder holds.
      if (typeof name === 'string')
        return { name, version: typeof version === 'string' ? version : undefined, path: folder };
      if (dirname(folder) === folder) return undefined;
    }
  } catch {
    return undefined;
  }
}

function manifestIn(folder: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}

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
    // A fault of an instrumentation must not keep the application from loading its SDK.
  }
}

/** The packages that hold a client or a server of the SDK, installed under any path, or linked to and imported by their name. */
const SDK_FOLDER = /\/node_modules\/@modelcontextprotocol\/(?:sdk|client|server)\//;
const SDK_SPECIFIER = /^@modelcontextprotocol\/(?:sdk|client|server)(?:\/|$)/;

/** Whether an import leads to a file of the SDK. */
export function isSdkFile(url: string, specifier?: string): boolean {
  return SDK_FOLDER.test(url) || (specifier !== undefined && SDK_SPECIFIER.test(specifier));
}

const EXPORTS_CLASS =
  /\bexport\s*(?:(?:class|const|let|var)\s+(?:Client|Server|McpServer)\b|\{[^}]*\b(?:Client|Server|McpServer)\b)/;

/** Whether a module declares or re-exports something by the name of a class that is patched. */
export function exportsPatched(source: string): boolean {
  return EXPORTS_CLASS.test(source);
}

/** Marks a source that has the statement already: a second copy of this package has its own loader hook. */
const MARK = '/* otel-mcp-log */';

/**
 * The source of an ES module of the SDK, with a statement at its end that hands the module's exports to this process's
 * instrumentation. The module keeps its URL, its bindings and its line numbers. A wrapper module, as other hooks make one,
 * would freeze the bindings that it re-exports; and where two hooks wrap the same module, one of them never learns of it.
 *
 * @param url The URL of the module. The module imports itself by it, which gives its exports whatever their inner names are.
 */
export function handingOver(source: string, url: string): string {
  if (source.includes(MARK)) return source;
  const own = JSON.stringify(url);
  const take = `globalThis[Symbol.for(${JSON.stringify(sharedName(KEY))})]?.take(otelMcpLogOwnExports, ${own});`;
  return `${source}\n${MARK} import * as otelMcpLogOwnExports from ${own}; ${take}\n`;
}

/** The source of a module, of either kind, with a statement at its end that hands a class over which the module does not export. */
function handingOverClass(source: string, className: string, file: string): string {
  if (source.includes(MARK)) return source;
  const symbol = `Symbol.for(${JSON.stringify(sharedName(KEY))})`;
  const take = `globalThis[${symbol}]?.take({ Client: ${className} }, ${JSON.stringify(file)});`;
  return `${source}\n${MARK} ${take}\n`;
}

/** Packages that have their own MCP client, which is not a class of the SDK, with the range of major versions. */
const OWN_CLIENTS: ReadonlyMap<string, readonly [from: number, before: number]> = new Map([
  ['@ai-sdk/mcp', [0, Infinity]],
  // `experimental_createMCPClient`, until it moved into the package above.
  ['ai', [4, 6]],
]);

/** The packages that may have an MCP client of their own. */
export const OWN_CLIENT_PACKAGES: readonly string[] = [...OWN_CLIENTS.keys()];

/** Whether this version of a package has an MCP client of its own. */
export function hasOwnClient(name: string, version: string): boolean {
  const [from, before] = OWN_CLIENTS.get(name) ?? [0, 0];
  const major = Number.parseInt(version, 10);
  return major >= from && major < before;
}

const FILE = /[\\/]node_modules[\\/](?:@ai-sdk[\\/]mcp|ai)[\\/]dist[\\/][^?]*\.m?js$/;

/** The AI SDK's client. Its module keeps the class to itself, and exports a function that makes one. */
const CLASS = /^(?:(?:var|let|const) ((?:Default)?MCPClient) = class\b|class ((?:Default)?MCPClient)\b)/m;
const MAKER = /\bfunction createMCPClient\b/;

/** Whether a file, by its path or its URL, lies in a package that may have a client of its own. */
export function mayHaveOwnClient(file: string): boolean {
  return FILE.test(file);
}

/**
 * The source of a module that has an MCP client of its own, with a statement at its end that hands the class to this process's
 * instrumentation; any other source as it is. Says once where a module has a client that cannot be found in it.
 *
 * @param file The path or the URL of the module.
 */
export function withOwnClient(source: string, file: string): string {
  if (!FILE.test(file)) return source;
  const { name = '', version = '' } = packageOf(file) ?? {};
  if (!hasOwnClient(name, version)) return source;
  const [, ...names] = CLASS.exec(source) ?? [];
  const found = names.find((each) => each !== undefined);
  if (found !== undefined) return handingOverClass(source, found, file);
  if (MAKER.test(source)) reportUnknownForm(name, version);
  return source;
}

/** Without `tellUnaudited`, whose file the thread of Node's module hooks would have to load. */
function reportUnknownForm(name: string, version: string): void {
  // What a manifest says is written to a terminal.
  const named = /^[\w.+-]+$/.test(version) ? ` ${version}` : '';
  const line = `NOT AUDITED: clients of ${name}${named}: they are its own, and of a form that is not known (docs/troubleshooting.md, own-client)`;
  if (sayOnce(line)) diag.warn(`${PACKAGE_NAME}: ${line}`);
}

type Compile = (this: unknown, content: string, file: string, ...rest: unknown[]) => unknown;

const required = shared('required own clients', () => ({ isHooked: false }));

/**
 * Hands such classes over where they are loaded by `require`, once per process. What the module exports does not show the class, so
 * its source is read as it is compiled; the source of any other module is compiled as it is.
 */
export function handOverRequired(): void {
  if (required.isHooked) return;
  required.isHooked = true;
  const prototype = Module.prototype as unknown as { _compile?: Compile };
  const { _compile: compile } = prototype;
  if (typeof compile !== 'function') return;
  prototype._compile = new Proxy(compile, {
    apply: (target, self, [content, file, ...rest]: [unknown, unknown, ...unknown[]]) =>
      Reflect.apply(target, self, [
        typeof content === 'string' && typeof file === 'string' ? withOwnClient(content, file) : content,
        file,
        ...rest,
      ] as Parameters<Compile>),
  });
}
