import { hasOwnClient, OWN_CLIENT_PACKAGES } from '../loader/ownClients.js';
import { otherRuntime } from '../internal/runtime.js';
import { readManifest, installedCopies, type InstalledPackage } from './packages.js';
import type { DiagnoseOptions } from './doctor.js';
import { finding, type Finding } from './finding.js';
import { diagnoseOpenTelemetry, diagnoseSampling, OTEL_PACKAGES } from './openTelemetry.js';
import { diagnoseCopies, diagnoseProcess, diagnoseProcessors, SDK_PACKAGES } from './patching.js';
import { diagnoseSinks } from './sinks.js';

/** `engines` of this package: 20.6. */
const NODE_AT_LEAST = [20, 6] as const;

const BUNDLERS = ['esbuild', 'rollup', 'webpack', 'tsup', 'tsdown', 'vite', '@vercel/ncc', 'parcel'];

/** All that the doctor looks at, of one application. */
export async function examine(options: DiagnoseOptions = {}): Promise<Finding[]> {
  const { cwd = process.cwd(), env = {}, offline = false } = options;
  const packages = installedCopies(cwd, new Set([...SDK_PACKAGES, ...OWN_CLIENT_PACKAGES, ...OTEL_PACKAGES]));
  const sdks = packages.filter(({ name }) => SDK_PACKAGES.includes(name));
  const findings = [
    ...diagnoseNode(process.versions.node),
    ...(await diagnosePatching(cwd, sdks)),
    ...diagnoseProcess(),
    ...diagnoseProcessors(),
    ...diagnoseOwnClients(packages),
    ...diagnoseProject(cwd, env),
    ...diagnoseOpenTelemetry(packages),
    ...diagnoseSampling(env),
    ...(await diagnoseSinks({ cwd, env, offline })),
  ];
  const rank = ['error', 'warning', 'info', 'ok'];
  return findings.sort((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity));
}

/** Whether a version of Node.js can run this package. */
export function diagnoseNode(version: string): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = NODE_AT_LEAST;
  if (major > least || (major === least && minor >= leastMinor)) return [];
  return [finding('node-too-old', `Node.js ${version}`)];
}

/** Where modules cannot be patched as they are loaded there is no use in trying it with each copy. */
async function diagnosePatching(cwd: string, sdks: readonly InstalledPackage[]): Promise<Finding[]> {
  const runtime = otherRuntime();
  if (runtime !== undefined) return [finding('no-module-hooks', runtime)];
  return diagnoseCopies(cwd, sdks);
}

/** Packages whose MCP client is none of the SDK's, so that a patched copy of the SDK beside them says nothing of it. */
function diagnoseOwnClients(packages: readonly InstalledPackage[]): Finding[] {
  return packages
    .filter(({ name, version }) => hasOwnClient(name, version))
    .map(({ name, version, path }) => finding('own-client', `${name} ${version} in ${path}`));
}

function diagnoseProject(cwd: string, env: NonNullable<DiagnoseOptions['env']>): Finding[] {
  const manifest = readManifest(cwd);
  const findings: Finding[] = [];
  const starts = JSON.stringify(manifest['scripts'] ?? {}) + (env['NODE_OPTIONS'] ?? '');
  if (!/otel-mcp-log\/(?:register|hook)/.test(starts))
    findings.push(finding('not-preloaded', 'neither NODE_OPTIONS nor a script in package.json preloads us'));
  const dependencies = { ...asObject(manifest['dependencies']), ...asObject(manifest['devDependencies']) };
  const bundlers = BUNDLERS.filter((name) => Object.hasOwn(dependencies, name));
  if (bundlers.length > 0) findings.push(finding('bundler', `${bundlers.join(', ')} in package.json`));
  return findings;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
