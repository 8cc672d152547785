import { expect } from 'chai';
import { runCommand } from './runCommand.js';

/** What `reconcile --json` says. */
export interface Report {
  ok: boolean;
  pairs: number;
  alike: number;
  different: number;
  only_client: number;
  only_server: number;
  unexplained: number;
  unreadable: number;
  differences: Record<string, number>;
  reasons: Record<string, number>;
  compared: { arguments: number; result: number };
  clock_ahead_ms: number;
  paired_by: Record<string, number>;
  findings: { kind: string; in?: string[]; reason?: string; method: string; target?: string }[];
}

/** Runs `reconcile --json`. */
export async function reconcile(...args: string[]): Promise<Report & { code: number }> {
  const { code, out, err } = await runCommand(['reconcile', '--json', ...args]);
  expect(out, err).to.match(/^\{/);
  return { ...(JSON.parse(out) as Report), code };
}
