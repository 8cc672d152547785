import type { Finding } from './finding.js';

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** The folder of the application. Default: the current one. */
  readonly cwd?: string;
  /** The variables that the application runs with. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Asks nothing of the network. Default: false. */
  readonly offline?: boolean;
}

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
  // Few applications ask, and none at start-up.
  const { examine } = await import('./diagnose.js');
  return examine(options);
}
