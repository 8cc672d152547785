import { readManifest, installedCopies } from './packages.js';
import { finding, type Finding } from './finding.js';
import { diagnoseOpenTelemetry, diagnoseSampling, OTEL_PACKAGES } from './openTelemetry.js';
import { diagnoseCopies, diagnoseProcess, SDK_PACKAGES } from './patching.js';
import { diagnoseSinks } from './sinks.js';

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** The folder of the application. Default: the current one. */
  readonly cwd?: string;
  /** The variables that the application runs with. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Asks nothing of the network. Default: false. */
  readonly offline?: boolean;
}

/** `engines` of this package: 20.6. */
const NODE_AT_LEAST = [20, 6] as const;

const BUNDLERS = ['esbuild', 'rollup', 'webpack', 'tsup', 'tsdown', 'vite', '@vercel/ncc', 'parcel'];

/**
 * Looks for whatever would keep an application's operations off the record: copies of the SDK that would not be patched,
 * copies of OpenTelemetry that disagree, sinks that cannot take records. Sends no record, changes no file; it loads each copy
 * of the SDK in a process of its own.
 *
 * @returns findings, the worst first.
 *
 * @example
 * ```ts
 * const findings = await diagnose({ env: process.env });
 * const bad = findings.filter(({ severity }) => severity === 'error');
 * ```
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Finding[]> {
  const { cwd = process.cwd(), env = {}, offline = false } = options;
  const packages = installedCopies(cwd, new Set([...SDK_PACKAGES, ...OTEL_PACKAGES]));
  const sdks = packages.filter(({ name }) => SDK_PACKAGES.includes(name));
  const findings = [
    ...diagnoseNode(process.versions.node),
    ...(await diagnoseCopies(cwd, sdks)),
    ...diagnoseProcess(),
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
