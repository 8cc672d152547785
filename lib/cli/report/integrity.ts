import { readFile } from 'node:fs/promises';
import { integrityLayout } from '../../integrity/storage/layout.js';
import { judge, titleOf, type Judgement } from '../integrity/judge.js';
import type { LogInput } from '../input/logs.js';
import type { Integrity } from './model.js';

/** From the best to the worst, so that of several logs the worst speaks. */
const RANK: readonly Integrity['status'][] = [
  'intact',
  'unconfirmed',
  'partly-sealed',
  'unwitnessed',
  'unchecked',
  'unsealed',
  'untrusted',
  'broken',
];

/**
 * Verifies each log as `verify` does.
 *
 * @param vkeys The verifier keys to trust; else those beside each log, and the verdict says so.
 */
export async function checkIntegrity(
  logs: readonly LogInput[],
  vkeys: readonly string[] | undefined,
): Promise<Integrity> {
  if (logs.length === 0) return { status: 'unchecked', title: 'Not checked', findings: [], checks: [] };
  const results: Integrity[] = [];
  for (const log of logs) results.push(await modelOf(log, await judge(log, vkeys), vkeys));
  const worst = results.reduce((a, b) => (RANK.indexOf(b.status) > RANK.indexOf(a.status) ? b : a));
  const findings = results.flatMap((result, index) =>
    result.findings.map((finding) => (logs.length > 1 ? `${logs[index]!.name}: ${finding}` : finding)),
  );
  const sessions = sumOf(results);
  return { ...worst, findings, ...(sessions && { sessions }) };
}

function sumOf(results: readonly Integrity[]): Integrity['sessions'] {
  const all = results.flatMap(({ sessions }) => sessions ?? []);
  const sum = (name: 'complete' | 'different' | 'open') => all.reduce((total, each) => total + each[name], 0);
  if (all.length === 0) return undefined;
  return { complete: sum('complete'), different: sum('different'), open: sum('open') };
}

async function modelOf(
  log: LogInput,
  judgement: Judgement,
  vkeys: readonly string[] | undefined,
): Promise<Integrity> {
  const { status, sentence, report } = judgement;
  const findings = [sentence, ...(report?.problems.map(({ message }) => message) ?? [])].concat(
    report?.warnings ?? [],
  );
  const layout = integrityLayout(log.name);
  const beside = async (path: string) =>
    log.files.length === 0 ? undefined : readFile(path, 'utf8').catch(() => undefined);
  const checkpoint = await beside(layout.checkpoint);
  const vkey = vkeys?.join('\n') ?? (await beside(layout.vkey))?.trim();
  return {
    status,
    title: titleOf({ status }),
    findings: [...new Set(findings)],
    checks: report?.checks ?? [],
    ...sessionsOf(report),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(checkpoint !== undefined && vkey !== undefined && { vkey }),
  };
}

function sessionsOf(report: Judgement['report']): Pick<Integrity, 'sessions'> {
  if (report?.sessions === undefined) return {};
  const { complete, different, open } = report.sessions;
  return { sessions: { complete, different, open } };
}
