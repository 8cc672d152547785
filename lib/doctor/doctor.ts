import type { DoctorFinding } from './finding.js';

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** The folder of the application. Default: the current one. */
  readonly cwd?: string;
  /** The variables that the application runs with. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Sends no request over the network. Default: false. */
  readonly offline?: boolean;
}

/**
 * Finds what would keep an application's operations off the record: copies of the SDK that would not be patched, copies of
 * OpenTelemetry that disagree, sinks that cannot take records. It sends no record and changes no file. It loads each copy of
 * the SDK in a process of its own.
 *
 * @returns The findings, the worst first.
 *
 * @example
 * ```ts
 * const findings = await diagnose({ env: process.env });
 * const bad = findings.filter(({ severity }) => severity === 'error');
 * ```
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<DoctorFinding[]> {
  // Loaded on demand: few applications call this, and none of them at start-up.
  const { examine } = await import('./diagnose.js');
  return examine(options);
}
