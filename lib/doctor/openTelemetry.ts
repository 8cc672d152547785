import { finding, type Finding } from './finding.js';
import type { InstalledPackage } from './packages.js';

/** The packages of OpenTelemetry that the doctor looks at. */
export const OTEL_PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace',
  'import-in-the-middle',
];

/** Limits of spans by their variables, and those of attributes in general that stand in for them. */
const LIMITS = [
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
];

/** Which OpenTelemetry is installed, and whether its copies agree. */
export function diagnoseOpenTelemetry(packages: readonly InstalledPackage[]): Finding[] {
  const of = (name: string) => packages.filter((each) => each.name === name);
  const sdks = [...of('@opentelemetry/sdk-trace-base'), ...of('@opentelemetry/sdk-trace')];
  const findings = [
    sdks.length === 0 ? finding('otel-none', 'no OpenTelemetry SDK is installed') : found(sdks),
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

/** Whether spans would be dropped or cut, which records do not depend on. */
export function diagnoseSampling(env: Readonly<Record<string, string | undefined>>): Finding[] {
  const causes = LIMITS.filter((name) => (env[name] ?? '') !== '').map((name) => `${name} is set`);
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') causes.push('OTEL_SDK_DISABLED is true');
  const sampler = env['OTEL_TRACES_SAMPLER'] ?? '';
  if (/always_off|ratio/.test(sampler)) causes.push('OTEL_TRACES_SAMPLER drops spans');
  return causes.map((cause) => finding('not-sampled', `${cause}; records are complete all the same`));
}

function found(sdks: readonly InstalledPackage[]): Finding {
  return finding('otel-found', listed(sdks));
}

/** One place for each version: a large application has dozens of copies. */
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
