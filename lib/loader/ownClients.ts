import Module from 'node:module';
import { diag } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import { sayOnce } from '../internal/stderr.js';
import { PACKAGE_NAME } from '../version.js';
import { handingOverClass, packageOf } from './sdk.js';

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
  if (MAKER.test(source)) tell(name, version);
  return source;
}

/** Without `tellUnaudited`, whose file the thread of Node's module hooks would have to load. */
function tell(name: string, version: string): void {
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
