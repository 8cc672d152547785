import { diag } from '@opentelemetry/api';
import { sayOnce } from '../internal/stderr.js';
import { PACKAGE_NAME } from '../version.js';
import { packageOf } from './sdk.js';

/** Packages that have their own MCP client, which is not a class of the SDK, with the range of major versions. */
const OWN_CLIENTS: ReadonlyMap<string, readonly [from: number, before: number]> = new Map([
  ['@ai-sdk/mcp', [0, Infinity]],
  // `experimental_createMCPClient`; from 6 on it is in the package above.
  ['ai', [4, 6]],
]);

/** The packages that may have an MCP client of their own. */
export const OWN_CLIENT_PACKAGES: readonly string[] = [...OWN_CLIENTS.keys()];

/** The one among them that is loaded for its client only. */
export const LOADED_FOR_CLIENT = '@ai-sdk/mcp';

const FILE_OF_LOADED = /[\\/]node_modules[\\/]@ai-sdk[\\/]mcp[\\/]/;

/** Whether this version of a package has an MCP client of its own, which this package cannot audit. */
export function hasOwnClient(name: string, version: string): boolean {
  const [from, before] = OWN_CLIENTS.get(name) ?? [0, 0];
  const major = Number.parseInt(version, 10);
  return major >= from && major < before;
}

/**
 * Says once that clients are not audited, where a file that was loaded belongs to a package with a client of its own. Without
 * `tellUnaudited`, whose file the thread of Node's module hooks would have to load.
 */
export function tellOwnClient(file: string): void {
  if (!FILE_OF_LOADED.test(file)) return;
  const { version = '' } = packageOf(file) ?? {};
  // What a manifest says is written to a terminal.
  const named = /^[\w.+-]+$/.test(version) ? ` ${version}` : '';
  const line = `NOT AUDITED: clients of ${LOADED_FOR_CLIENT}${named}: they are its own, not the MCP SDK's (docs/troubleshooting.md, own-client)`;
  if (sayOnce(line)) diag.warn(`${PACKAGE_NAME}: ${line}`);
}
