import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { trace } from '@opentelemetry/api';
import { applicationRequire } from '../internal/application.js';
import { isPatched, loadedClientClasses } from '../capture/patch.js';
import { isLoaderHookRegistered } from '../loader/register.js';
import { isSupported } from '../loader/sdkCopy.js';
import { idleRecorders, lookInto } from '../processor/recorders.js';
import { sharedName } from '../internal/shared.js';
import { finding, type Finding } from './finding.js';
import type { InstalledPackage } from './packages.js';

/** How applications name the module that exports the client, by package. */
const ENTRIES: Readonly<Record<string, string>> = {
  '@modelcontextprotocol/sdk': '@modelcontextprotocol/sdk/client/index.js',
  '@modelcontextprotocol/client': '@modelcontextprotocol/client',
};

/** The packages that hold a client of the SDK. */
export const SDK_PACKAGES: readonly string[] = Object.keys(ENTRIES);

/** What one copy takes to load, with room for a slow disk, in milliseconds. */
const PROBE_TIMEOUT_MS = 30_000;

/** How one copy fared in one module system; `absent` where it has nothing to load. */
type Fate = 'patched' | 'unpatched' | 'absent';

/** The module systems, in the order in which the probe tries them. */
const SYSTEMS = ['as ES module', 'as CommonJS'] as const;

/**
 * Loads a copy as an application would, by its name, and says whether its client is patched. Runs in the copy's own folder,
 * where that name means itself, and in a process of its own: the doctor must not load the SDK into its own.
 */
const PROBE = `
import { createRequire } from 'node:module';
const require = createRequire(process.cwd() + '/probe.js');
const [entry, main] = process.argv.slice(1);
const { McpInstrumentation } = require(main);
new McpInstrumentation();
const patches = globalThis[Symbol.for('${sharedName('patches')}')];
const fates = [];
for (const load of [() => import(entry), () => require(entry)]) {
  try {
    const { Client } = await load();
    fates.push(patches?.has(Client.prototype) === true ? 'patched' : 'unpatched');
  } catch {
    fates.push('absent');
  }
}
console.log(JSON.stringify(fates));
process.exit();
`;

/** Which copies of the SDK are patched when they are loaded, and which are not. */
export async function diagnoseCopies(cwd: string, copies: readonly InstalledPackage[]): Promise<Finding[]> {
  const ours = ownFiles(cwd);
  if (ours === undefined) return [finding('package-missing', `otel-mcp-log cannot be resolved from ${cwd}`)];
  if (copies.length === 0) return [finding('sdk-missing', `no MCP SDK is installed in or above ${cwd}`)];
  return Promise.all(copies.map((copy) => diagnoseCopy(ours, copy)));
}

async function diagnoseCopy(ours: OwnFiles, { name, version, path }: InstalledPackage): Promise<Finding> {
  const what = `${name} ${version} in ${path}`;
  if (!isSupported(name, version)) return finding('sdk-unsupported', what);
  const fates = await probe(ours, path, ENTRIES[name] ?? name);
  if (fates.every((fate) => fate === 'absent'))
    return finding('sdk-unpatched', `${what}: it could not be loaded`);
  const missed = SYSTEMS.filter((_, index) => fates[index] === 'unpatched');
  if (missed.length === 0) return finding('sdk-patched', what);
  return finding('sdk-unpatched', `${what}: ${missed.join(', ')}`);
}

/** What is true of the process that calls: the copies it has loaded, and its hook. Nothing where it has loaded none. */
export function diagnoseProcess(): Finding[] {
  const loaded = loadedClientClasses();
  const findings = loaded
    .filter(({ prototype }) => !isPatched(prototype))
    .map(({ name }) =>
      finding('loaded-before', `the class ${name} of a CommonJS copy is loaded and not patched`),
    );
  if (loaded.some(({ prototype }) => isPatched(prototype)) && !isLoaderHookRegistered())
    findings.push(finding('hook-missing', 'no hook for ES modules is registered in this process'));
  return findings;
}

/** The processors of the process that calls; one may well be waiting for an application that has yet to register its provider. */
export function diagnoseProcessors(): Finding[] {
  lookInto(trace.getTracerProvider());
  const { length } = idleRecorders();
  return length === 0 ? [] : [finding('processor-idle', `${length} AuditSpanProcessor without a provider`)];
}

/** The files of the copy of this package that the application resolves. */
interface OwnFiles {
  readonly main: string;
  readonly hook: string;
}

function ownFiles(cwd: string): OwnFiles | undefined {
  const { resolve } = applicationRequire(cwd);
  try {
    return { main: resolve('otel-mcp-log'), hook: resolve('otel-mcp-log/hook') };
  } catch {
    return undefined;
  }
}

function probe({ main, hook }: OwnFiles, folder: string, entry: string): Promise<Fate[]> {
  const hookUrl = pathToFileURL(hook).href;
  const args = ['--import', hookUrl, '--input-type=module', '--eval', PROBE, '--', entry, main];
  // What the application preloads must not run here: it might start servers, or an audit log.
  const options = { cwd: folder, env: { PATH: process.env['PATH'] }, timeout: PROBE_TIMEOUT_MS };
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error, stdout) => {
      // The SDK or what it loads may have something to say first.
      const last = stdout.trim().split('\n').at(-1) ?? '';
      done(error === null ? (JSON.parse(last) as Fate[]) : []);
    });
  });
}
