import { readFile } from 'node:fs/promises';
import { IntegrityError } from '../../errors.js';
import { integrityLayout } from '../../integrity/layout.js';
import { verifyLogFile } from '../../integrity/verifyFile.js';
import type { LogInput } from '../input/logs.js';
import { plural } from '../term/units.js';
import type { Integrity } from './model.js';

/** From the best to the worst, so that of several logs the worst speaks. */
const RANK: readonly Integrity['status'][] = ['intact', 'unchecked', 'unsealed', 'broken'];

/**
 * Verifies each log against the evidence beside it.
 *
 * @param vkey The verifier key to trust; else the one beside each log, and the findings say so.
 */
export async function checkIntegrity(logs: readonly LogInput[], vkey?: string): Promise<Integrity> {
  if (logs.length === 0) return { status: 'unchecked', findings: [] };
  const results: Integrity[] = [];
  for (const log of logs) results.push(await checkOne(log, vkey));
  const worst = results.reduce((a, b) => (RANK.indexOf(b.status) > RANK.indexOf(a.status) ? b : a));
  const findings = results.flatMap((result, index) =>
    result.findings.map((finding) => (logs.length > 1 ? `${logs[index]!.name}: ${finding}` : finding)),
  );
  return { ...worst, findings };
}

async function checkOne(log: LogInput, vkey: string | undefined): Promise<Integrity> {
  if (log.files.length === 0)
    return { status: 'unchecked', findings: ['It came over standard input, without its checkpoint.'] };
  const layout = integrityLayout(log.name);
  const checkpoint = await readFile(layout.checkpoint, 'utf8').catch(() => undefined);
  if (checkpoint === undefined)
    return { status: 'unsealed', findings: ['No checkpoint lies beside the log.'] };
  const key = vkey ?? (await readFile(layout.vkey, 'utf8').catch(() => undefined))?.trim();
  const shown = { checkpoint, ...(key === undefined ? {} : { vkey: key }) };
  try {
    const report = await verifyLogFile(log.name, {
      live: true,
      ...(vkey !== undefined && { vkeys: [vkey] }),
    });
    const sealed = `${plural(report.sealed, 'record')} sealed by ${report.origin ?? 'its checkpoint'}, and as they were written.`;
    const open = report.size - report.sealed;
    const findings = [
      ...(report.ok ? [sealed] : report.problems.map(({ message }) => `${message}.`)),
      ...(open > 0
        ? [
            `${plural(open, 'record')} written after the last checkpoint ${open === 1 ? 'is' : 'are'} not sealed yet.`,
          ]
        : []),
      ...report.warnings.map((warning) => `${warning.charAt(0).toUpperCase()}${warning.slice(1)}.`),
    ];
    return { status: report.ok ? 'intact' : 'broken', findings, ...shown };
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return { status: 'broken', findings: [`${error.message}.`], ...shown };
  }
}
