import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { trace } from '@opentelemetry/api';
import {
  hasOwnClient,
  OWN_CLIENT_PACKAGES,
  isSupported,
  SDK_V1,
  SDK_V2,
  SDK_V2_SERVER,
} from '../loader/sdk.js';
import { otherRuntime, applicationRequire } from '../internal/runtime.js';
import {
  readManifest,
  installedCopies,
  type InstalledPackage,
  diagnoseOpenTelemetry,
  diagnoseSampling,
  OTEL_PACKAGES,
} from './packages.js';
import { findAssistants } from './assistants.js';
import type { DiagnoseOptions } from './doctor.js';
import { readProject, isPreload, preloads, type Project } from './project.js';
import type { Variables } from '../environment/environment.js';
import { finding, type DoctorFinding } from './finding.js';
import { diagnoseSinks } from './sinks.js';
import { isPatched, loadedClientClasses } from '../capture/patch.js';
import { isLoaderHookRegistered } from '../loader/register.js';
import { idleRecorders, lookInto } from '../processor/recorders.js';
import { sharedName } from '../internal/shared.js';

/** The oldest Node.js that this package supports: `engines` in its package.json. */
const NODE_AT_LEAST = [20, 6] as const;

const BUNDLERS = ['esbuild', 'rollup', 'webpack', 'tsup', 'tsdown', 'vite', '@vercel/ncc', 'parcel'];

/** The module that applications import the client from, by package. */
const ENTRIES: Readonly<Record<string, string>> = {
  [SDK_V1]: `${SDK_V1}/client/index.js`,
  [SDK_V2]: SDK_V2,
};

/** The module that applications import `McpServer` from, by package. */
const SERVER_ENTRIES: Readonly<Record<string, string>> = {
  [SDK_V1]: `${SDK_V1}/server/mcp.js`,
  [SDK_V2_SERVER]: SDK_V2_SERVER,
};

/** The packages that hold a client or a server of the SDK. */
export const SDK_PACKAGES: readonly string[] = [
  ...new Set([...Object.keys(ENTRIES), ...Object.keys(SERVER_ENTRIES)]),
];

/** How long one copy may take to load, in milliseconds: long enough for a slow disk. */
const PROBE_TIMEOUT_MS = 30_000;

/** What became of one copy in one module system; `absent` where the copy has no module of that kind. */
type Fate = 'patched' | 'unpatched' | 'absent';

/** The module systems, in the order in which the probe tries them. */
const SYSTEMS = ['as ES module', 'as CommonJS'] as const;

/**
 * Loads a copy by its name, as an application does, and prints whether its client or its server is patched. It runs in the copy's folder,
 * where the name resolves to that copy, and in a process of its own, so that the doctor's process loads no SDK.
 */
const PROBE = `
import { createRequire } from 'node:module';
const require = createRequire(process.cwd() + '/probe.js');
const [entry, main] = process.argv.slice(1);
const { McpInstrumentation } = require(main);
new McpInstrumentation();
const patches = globalThis[Symbol.for('${sharedName('patches')}')];
const classes = globalThis[Symbol.for('${sharedName('discovered')}')];
const fates = [];
// A package that has ES modules alone is the same module when it is required (Node 20.19 and 22.12 on): no second class is found.
const known = new Map();
for (const load of [() => import(entry), () => require(entry)]) {
  try {
    const before = classes?.size;
    const { Client, McpServer, createMCPClient, experimental_createMCPClient } = await load();
    const way = Client ?? McpServer ?? createMCPClient ?? experimental_createMCPClient;
    if (!way) throw new Error('neither a client nor a server');
    const found = Client ?? McpServer ?? known.get(way) ?? [...(classes ?? [])].slice(before)[0];
    known.set(way, found);
    const prototypes = [found?.prototype];
    // Requests go to the server that an McpServer holds.
    if (way === McpServer) prototypes.push(Object.getPrototypeOf(new McpServer({ name: 'probe', version: '0' }).server));
    fates.push(prototypes.every((each) => patches?.has(each) === true) ? 'patched' : 'unpatched');
  } catch {
    fates.push('absent');
  }
}
console.log(JSON.stringify(fates));
process.exit();
`;

/** Runs every check on one application; the worst findings come first. */
export async function examine(options: DiagnoseOptions = {}): Promise<DoctorFinding[]> {
  const { cwd = process.cwd(), env = {}, offline = false } = options;
  const packages = installedCopies(cwd, new Set([...SDK_PACKAGES, ...OWN_CLIENT_PACKAGES, ...OTEL_PACKAGES]));
  const sdks = packages.filter(({ name }) => SDK_PACKAGES.includes(name));
  const project = readProject(cwd, readManifest(cwd));
  const findings = [
    ...diagnoseNode(process.versions.node),
    ...(await diagnosePatching(cwd, sdks, env)),
    ...diagnoseProcess(),
    ...diagnoseProcessors(),
    ...(await diagnoseOwnClients(cwd, packages)),
    ...diagnoseStarts(project, env),
    ...diagnoseBundlers(project),
    ...diagnoseAssistants(cwd, env),
    ...diagnoseOpenTelemetry(packages),
    ...diagnoseSampling(env),
    ...(await diagnoseSinks({ cwd, env: { ...project.defaults, ...given(env) }, offline })),
  ];
  const rank = ['error', 'warning', 'info', 'ok'];
  return findings.sort((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity));
}

/** The variables that are set. An empty one counts as unset, and then the default of a preloaded file holds. */
function given(env: Variables): Variables {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}

/** Says which servers of assistants and editors are relayed. Without a user's folder in the environment, none are looked for. */
function diagnoseAssistants(project: string, env: Variables): DoctorFinding[] {
  if (env['HOME'] === undefined && env['USERPROFILE'] === undefined) return [];
  return findAssistants({ project, env }).flatMap(({ assistant, path, servers, others }) => {
    const names = (wanted: boolean) =>
      servers.filter(({ isRelayed }) => isRelayed === wanted).map(({ name }) => name);
    const [relayed, direct] = [names(true), [...names(false), ...others.map(({ name }) => name)]];
    const where = (list: readonly string[]) => `${list.join(', ')} of ${assistant} in ${path}`;
    return [
      ...(relayed.length > 0 ? [finding('relayed', where(relayed))] : []),
      ...(direct.length > 0 ? [finding('not-relayed', where(direct))] : []),
    ];
  });
}

/** Whether a version of Node.js can run this package. */
export function diagnoseNode(version: string): DoctorFinding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = NODE_AT_LEAST;
  if (major > least || (major === least && minor >= leastMinor)) return [];
  return [finding('node-too-old', `Node.js ${version}`)];
}

/** Checks each copy of the SDK, unless the runtime has no module hooks: then no copy can be patched while it is loaded. */
async function diagnosePatching(
  cwd: string,
  sdks: readonly InstalledPackage[],
  env: Variables,
): Promise<DoctorFinding[]> {
  const runtime = otherRuntime();
  if (runtime !== undefined) return [finding('no-module-hooks', runtime)];
  const isLeftOut = env['OTEL_MCP_LOG_SERVERS']?.trim().toLowerCase() === 'false';
  return diagnoseCopies(cwd, sdks, isLeftOut);
}

/** Checks packages that bring their own MCP client instead of the SDK's, as the copies of the SDK are checked. */
async function diagnoseOwnClients(
  cwd: string,
  packages: readonly InstalledPackage[],
): Promise<DoctorFinding[]> {
  const ours = ownFiles(cwd);
  if (ours === undefined || otherRuntime() !== undefined) return [];
  const found = packages
    .filter(({ name, version }) => hasOwnClient(name, version))
    .map(async ({ name, version, path }) => {
      const fates = await probe(ours, path, name);
      const isPatched = fates.includes('patched') && !fates.includes('unpatched');
      // Later versions of `ai` 5 have none: it moved into a package of its own.
      if (name === 'ai' && fates.length > 0 && fates.every((fate) => fate === 'absent')) return [];
      return [finding(isPatched ? 'client-patched' : 'own-client', `${name} ${version} in ${path}`)];
    });
  return (await Promise.all(found)).flat();
}

/** Says which ways of starting the application load this package, by its files and by `NODE_OPTIONS`. */
function diagnoseStarts(project: Project, env: Variables): DoctorFinding[] {
  const { folder, starts, audited } = project;
  const inEnvironment = preloads(folder, env['NODE_OPTIONS'] ?? '');
  const loaded = starts.filter(({ isPreloaded }) => isPreloaded).map(({ where }) => where);
  const others = starts.filter(({ isPreloaded }) => !isPreloaded);
  const by = [
    ...(inEnvironment ? ['NODE_OPTIONS'] : []),
    ...loaded,
    ...audited.filter((name) => !isPreload(name)),
  ];
  if (by.length === 0 && others.length === 0)
    return [
      finding(
        'not-preloaded',
        'no script of package.json starts the application, and NODE_OPTIONS is not set',
      ),
    ];
  const isComplete = by.length > loaded.length;
  return [
    ...(by.length > 0 ? [finding('preloaded', by.join(', '))] : []),
    ...(isComplete
      ? []
      : others.map(({ where, command }) => finding('not-preloaded', `${where}: ${command}`))),
  ];
}

function diagnoseBundlers({ dependencies, isBundledByNext }: Project): DoctorFinding[] {
  const bundlers = BUNDLERS.filter((name) => dependencies.has(name));
  if (isBundledByNext) bundlers.push('next (its serverExternalPackages do not name the MCP SDK)');
  return bundlers.length === 0 ? [] : [finding('bundler', `${bundlers.join(', ')} in package.json`)];
}

/** Finds which copies of the SDK are patched when they are loaded, and which are not. */
async function diagnoseCopies(
  cwd: string,
  copies: readonly InstalledPackage[],
  serversLeftOut: boolean,
): Promise<DoctorFinding[]> {
  const ours = ownFiles(cwd);
  if (ours === undefined) return [finding('package-missing', `otel-mcp-log cannot be resolved from ${cwd}`)];
  if (copies.length === 0) return [finding('sdk-missing', `no MCP SDK is installed in or above ${cwd}`)];
  const found = copies.map((copy) => diagnoseCopy(ours, copy, serversLeftOut));
  return (await Promise.all(found)).flat();
}

async function diagnoseCopy(
  ours: OwnFiles,
  { name, version, path }: InstalledPackage,
  serversLeftOut: boolean,
): Promise<DoctorFinding[]> {
  const what = `${name} ${version} in ${path}`;
  if (!isSupported(name, version)) return [finding('sdk-unsupported', what)];
  const [client, server] = [ENTRIES[name], SERVER_ENTRIES[name]];
  const [ofClients, ofServers] = await Promise.all([
    client === undefined ? undefined : probe(ours, path, client),
    server === undefined ? undefined : probe(ours, path, server),
  ]);
  const findings: DoctorFinding[] = [];
  if (ofClients !== undefined) {
    const missed = missedIn(ofClients);
    findings.push(
      missed === undefined ? finding('sdk-patched', what) : finding('sdk-unpatched', `${what}: ${missed}`),
    );
  }
  // A copy whose servers cannot be loaded has none that run.
  if (ofServers?.some((fate) => fate !== 'absent') === true) {
    const missed = missedIn(ofServers);
    if (serversLeftOut) findings.push(finding('server-left-out', what));
    else if (missed === undefined) findings.push(finding('server-patched', what));
    else findings.push(finding('server-unpatched', `${what}: ${missed}`));
  }
  return findings;
}

/** In which module systems a class was not patched; undefined where it was in all that it has. */
function missedIn(fates: readonly Fate[]): string | undefined {
  if (fates.every((fate) => fate === 'absent')) return 'it could not be loaded';
  const missed = SYSTEMS.filter((_, index) => fates[index] === 'unpatched');
  return missed.length === 0 ? undefined : missed.join(', ');
}

/** Checks the process that calls: the copies of the SDK that it has loaded, and its hook. No finding where it has loaded none. */
function diagnoseProcess(): DoctorFinding[] {
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

/** Finds processors of the process that calls that no provider has. The application may still register its provider later. */
export function diagnoseProcessors(): DoctorFinding[] {
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
  // The environment is left out, because NODE_OPTIONS could preload files that start a server or an audit log.
  const options = { cwd: folder, env: { PATH: process.env['PATH'] }, timeout: PROBE_TIMEOUT_MS };
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error, stdout) => {
      // The SDK, or a module that it loads, may print lines of its own first.
      const last = stdout.trim().split('\n').at(-1) ?? '';
      done(error === null ? (JSON.parse(last) as Fate[]) : []);
    });
  });
}
