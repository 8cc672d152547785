import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadedClientClasses } from '../capture/loaded.js';
import { isPatched } from '../capture/patch.js';
import { isLoaderHookRegistered } from '../loaderHook.js';
import { finding, type Finding } from './finding.js';
import type { InstalledPackage } from './packages.js';

/** Where the client is, by package: as ES module and as CommonJS. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  '@modelcontextprotocol/sdk': ['dist/esm/client/index.js', 'dist/cjs/client/index.js'],
  '@modelcontextprotocol/client': ['dist/index.mjs', 'dist/index.cjs'],
};

/** The packages that hold a client of the SDK. */
export const SDK_PACKAGES: readonly string[] = Object.keys(ENTRIES);

/** What one file takes to load, with room for a slow disk, in milliseconds. */
const PROBE_TIMEOUT_MS = 30_000;

/**
 * Loads files as an application with the hook would, and says of each whether its client is patched. Runs with the copy of
 * this package that the application resolves, in a process of its own: the doctor must not load the SDK into its own.
 */
const PROBE = `
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { McpInstrumentation } from 'otel-mcp-log';
new McpInstrumentation();
const require = createRequire(process.cwd() + '/');
const patches = globalThis[Symbol.for('otel-mcp-log/1/patches')];
const results = [];
for (const file of process.argv.slice(1)) {
  try {
    const isCommonJs = /\\.cjs$|[\\\\/]cjs[\\\\/]/.test(file);
    const { Client } = isCommonJs ? require(file) : await import(pathToFileURL(file).href);
    results.push(patches?.has(Client.prototype) === true);
  } catch (error) {
    results.push(error instanceof Error ? error.message : 'cannot be loaded');
  }
}
console.log(JSON.stringify(results));
`;

/** Which copies of the SDK are patched when they are loaded, and which are not. */
export async function diagnoseCopies(cwd: string, copies: readonly InstalledPackage[]): Promise<Finding[]> {
  if (!resolves(cwd)) return [finding('package-missing', `otel-mcp-log cannot be resolved from ${cwd}`)];
  if (copies.length === 0) return [finding('sdk-missing', `no MCP SDK is installed in or above ${cwd}`)];
  return Promise.all(copies.map((copy) => diagnoseCopy(cwd, copy)));
}

async function diagnoseCopy(cwd: string, { name, version, path }: InstalledPackage): Promise<Finding> {
  const what = `${name} ${version} in ${path}`;
  if (!isSupported(name, version)) return finding('sdk-unsupported', what);
  const files = (ENTRIES[name] ?? []).map((file) => join(path, file)).filter((file) => existsSync(file));
  const results = await probe(cwd, files);
  if (results === undefined || files.length === 0)
    return finding('sdk-unpatched', `${what}: it could not be loaded`);
  const missed = files.filter((_, index) => results[index] !== true);
  if (missed.length === 0) return finding('sdk-patched', what);
  return finding('sdk-unpatched', `${what}: ${missed.map((file) => file.slice(path.length + 1)).join(', ')}`);
}

/** What is true of the process that calls: the copies it has loaded, and its hook. Nothing where it has loaded none. */
export function diagnoseProcess(): Finding[] {
  const loaded = loadedClientClasses();
  const findings = loaded
    .filter(({ prototype }) => !isPatched(prototype))
    .map(({ name }) => finding('loaded-before', `the class ${name} of a CommonJS copy is loaded and not patched`));
  if (loaded.some(({ prototype }) => isPatched(prototype)) && !isLoaderHookRegistered())
    findings.push(finding('hook-missing', 'no hook for ES modules is registered in this process'));
  return findings;
}

function resolves(cwd: string): boolean {
  try {
    createRequire(join(cwd, 'doctor.js')).resolve('otel-mcp-log');
    return true;
  } catch {
    return false;
  }
}

/** The versions that the instrumentation names. */
function isSupported(name: string, version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return name === '@modelcontextprotocol/client' ? major === 2 : major === 1 && minor >= 10;
}

function probe(cwd: string, files: readonly string[]): Promise<unknown[] | undefined> {
  const args = ['--import', 'otel-mcp-log/hook', '--input-type=module', '--eval', PROBE, '--', ...files];
  // What the application preloads must not run here: it might start servers, or an audit log.
  const env = { PATH: process.env['PATH'] };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout: PROBE_TIMEOUT_MS }, (error, stdout) => {
      resolve(error === null ? (JSON.parse(stdout.trim().split('\n').at(-1) ?? '[]') as unknown[]) : undefined);
    });
  });
}
