import { printable } from '../../internal/text.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import { palette } from '../term/terminal.js';
import { plural } from '../term/units.js';
import { verifyBundle, type BundleReport } from './verifyBundle.js';

/** `verify bundle.zip`: checks a bundle and says what was found. */
export async function runVerifyBundle(
  path: string,
  { vkeys, json }: { vkeys: readonly string[] | undefined; json: boolean },
  io: CommandIo,
): Promise<number> {
  const report = await verifyBundle(path, { vkeys, io });
  io.stdout.write(json ? `${JSON.stringify({ bundle: path, ...report })}\n` : words(path, report, io));
  return report.ok ? ExitCode.ok : ExitCode.finding;
}

function words(path: string, report: BundleReport, { stdout, env }: CommandIo): string {
  const { red, green, yellow, bold } = palette(stdout, env);
  const lines = report.warnings.map((warning) => `${yellow('warning:')} ${printable(warning)}`);
  lines.push(...report.problems.map((problem) => `${red('problem:')} ${printable(problem)}`));
  const seal = report.sealed ? 'proved against its signed checkpoint' : 'not sealed';
  lines.push(
    report.ok
      ? `${green('ok')}: ${bold(printable(path))} holds ${plural(report.records, 'record')} of the period, ${seal}; ${plural(report.files, 'file')} checked`
      : `${red('not ok')}: ${bold(printable(path))}`,
    report.covers,
  );
  return `${lines.join('\n')}\n`;
}
