import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finding, type DoctorFinding } from './finding.js';

/** One installed copy of a package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly path: string;
}

/** Deeper than any tree of packages. Links that lead back into the tree are recognised by their real path. */
const MAX_DEPTH = 12;

/** Finds every copy of the named packages in the `node_modules` of a folder and of the folders above it, nested copies included. */
export function installedCopies(cwd: string, names: ReadonlySet<string>): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const seen = new Set<string>();
  for (let folder = cwd; ; folder = dirname(folder)) {
    visit(join(folder, 'node_modules'), 0);
    if (dirname(folder) === folder) break;
  }
  return [...found.values()];

  function visit(modules: string, depth: number): void {
    if (depth > MAX_DEPTH || !existsSync(modules)) return;
    const real = realpathSync(modules);
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of packageNames(modules)) {
      const path = join(modules, name);
      if (names.has(name)) add(name, path);
      visit(join(path, 'node_modules'), depth + 1);
    }
    // pnpm keeps the packages here and links to them.
    visitStore(join(modules, '.pnpm'), depth);
  }

  function visitStore(store: string, depth: number): void {
    for (const entry of list(store)) visit(join(store, entry, 'node_modules'), depth + 1);
  }

  function add(name: string, path: string): void {
    const version = readManifest(path)['version'];
    if (typeof version === 'string')
      found.set(realpathSync(path), { name, version, path: realpathSync(path) });
  }
}

/** A package's `package.json`; empty where there is none that can be read. */
export function readManifest(folder: string): Record<string, unknown> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? { ...manifest } : {};
  } catch {
    return {};
  }
}

function packageNames(modules: string): string[] {
  return list(modules)
    .filter((entry) => !entry.startsWith('.'))
    .flatMap((entry) =>
      entry.startsWith('@') ? list(join(modules, entry)).map((name) => `${entry}/${name}`) : [entry],
    );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The packages of OpenTelemetry that the doctor looks at. */
export const OTEL_PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace',
  'import-in-the-middle',
];

/** The variables that limit spans: those of spans themselves, and those of attributes in general, which apply to spans too. */
const LIMITS = [
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
];

/** Finds the installed OpenTelemetry, and checks whether its copies agree. */
export function diagnoseOpenTelemetry(packages: readonly InstalledPackage[]): DoctorFinding[] {
  const of = (name: string) => packages.filter((each) => each.name === name);
  const sdks = [...of('@opentelemetry/sdk-trace-base'), ...of('@opentelemetry/sdk-trace')];
  const findings = [
    sdks.length === 0
      ? finding('otel-none', 'no OpenTelemetry SDK is installed')
      : finding('otel-found', listed(sdks)),
  ];
  const lines = new Set(sdks.map(({ version }) => version.split('.')[0]));
  if (lines.size > 1) findings.push(finding('otel-mixed', listed(sdks)));
  const apis = of('@opentelemetry/api');
  if (new Set(apis.map(({ version }) => version)).size > 1)
    findings.push(finding('otel-api-copies', listed(apis)));
  const hooks = of('import-in-the-middle');
  if (hooks.length > 1) findings.push(finding('two-hooks', listed(hooks)));
  return findings;
}

/** Finds settings that drop or cut spans. Records do not depend on them. */
export function diagnoseSampling(env: Readonly<Record<string, string | undefined>>): DoctorFinding[] {
  const causes = LIMITS.filter((name) => (env[name] ?? '') !== '').map((name) => `${name} is set`);
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') causes.push('OTEL_SDK_DISABLED is true');
  const sampler = env['OTEL_TRACES_SAMPLER'] ?? '';
  if (/always_off|ratio/.test(sampler)) causes.push('OTEL_TRACES_SAMPLER drops spans');
  return causes.map((cause) => finding('not-sampled', `${cause}; records are complete all the same`));
}

/** Names one place for each version, because a large application can have dozens of copies. */
function listed(packages: readonly InstalledPackage[]): string {
  const places = new Map<string, string[]>();
  for (const { name, version, path } of packages) {
    const known = places.get(`${name} ${version}`) ?? [];
    places.set(`${name} ${version}`, [...known, path]);
  }
  return [...places]
    .map(
      ([what, [first, ...others]]) =>
        `${what} in ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`,
    )
    .join('; ');
}
