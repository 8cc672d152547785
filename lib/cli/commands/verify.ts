import { readFile } from 'node:fs/promises';
import { IntegrityError } from '../../errors.js';
import {
  VERDICT_TITLES,
  verdictSentence,
  type Problem,
  type VerifyReport,
} from '../../integrity/verification/verdict.js';
import { parseVkey, parseWitnessVkey } from '../../integrity/tlog/note.js';
import { readCheckpoints, verifyLogFile } from '../../integrity/verification/verifyFile.js';
import { verifyLog } from '../../integrity/verification/verify.js';
import { parsePolicy, policyOfAll, type WitnessPolicy } from '../../integrity/tlog/policy.js';
import { isStored } from '../../archive/objectStore.js';
import { printable } from '../../internal/text.js';
import { ExitCode, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { onlyOperand, readVkeys, VKEY_OPTION, checkLines } from '../integrity/judgement.js';
import { palette } from '../term/terminal.js';
import { plural } from '../term/units.js';

/** What the command line asks for. */
interface VerifyRequest {
  readonly log: string;
  readonly vkeys: readonly string[] | undefined;
  readonly checkpoint: string | undefined;
  readonly against: readonly string[];
  readonly live: boolean;
  readonly allowMissing: boolean;
  readonly records: boolean;
  readonly policy?: WitnessPolicy;
  readonly authorities?: string;
}

/** `verify`: whether a log is what was sealed. */
export const command = defineCommand({
  name: 'verify',
  summary: 'Check that nothing in a sealed log was changed, removed, inserted or moved',
  usage: "LOG|BUNDLE.zip [--vkey VKEY] [--against FILE] (LOG '-' is standard input)",
  about: `
Reads the whole log, with its rotated and compressed files, and holds it against its checkpoints. What
is wrong is told in words, with the index of the record and its byte offset. Nothing is taken for true
from beside the log but what a trusted key signed, so bring your own verifier key, and a checkpoint
that was kept elsewhere: without that, whoever holds both the log and its key can rewrite it. The table
at the end says what was checked, by which evidence, and what was not.`,
  options: {
    vkey: VKEY_OPTION,
    checkpoint: { type: 'string', value: 'FILE', help: 'the checkpoint, if not the one beside the log' },
    against: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      help: 'further checkpoints, older or newer, e.g. those that an anchor kept; may be repeated',
    },
    policy: {
      type: 'string',
      value: 'FILE',
      help: 'a witness policy (c2sp.org/tlog-policy): enough of its witnesses must have cosigned the log',
    },
    witness: {
      type: 'string',
      multiple: true,
      value: 'VKEY',
      help: 'the key of a witness that must have cosigned the log, in the place of a policy; may be repeated',
    },
    tsa: {
      type: 'string',
      value: 'FILE',
      help: 'certificates of a time-stamping authority (PEM): the timestamps of the log must verify',
    },
    live: {
      type: 'boolean',
      help: 'the log is being written: lines after the last checkpoint are no fault',
    },
    'allow-missing': {
      type: 'boolean',
      help: 'old segments were deleted on purpose: take their records by their stored hashes',
    },
    'any-lines': { type: 'boolean', help: 'do not ask that every line be an audit record' },
    json: { type: 'boolean', help: 'the report as one JSON object' },
  },
  examples: [
    ['otel-mcp-log verify audit.jsonl --vkey audit.vkey', 'hold a log against its own checkpoints'],
    [
      'otel-mcp-log verify audit.jsonl --vkey audit.vkey --against /mnt/worm/checkpoints',
      'and against those that were kept elsewhere',
    ],
    [
      'otel-mcp-log verify audit.jsonl --vkey audit.vkey --policy witnesses.policy',
      'and ask that enough witnesses have cosigned it',
    ],
    ['otel-mcp-log verify q1.zip --vkey audit.vkey', "check a bundle that 'evidence' made"],
    [
      'zcat old/*.gz | otel-mcp-log verify - --vkey audit.vkey --checkpoint old/checkpoint',
      'files from anywhere, in their order',
    ],
  ],
  exits: [
    [0, 'all holds'],
    [1, 'the log is not what was sealed, or not all of it'],
    [2, 'the command line was wrong, or --vkey names no verifier key'],
    [3, 'the log, a checkpoint or a key could not be read, or the log is not sealed'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const [path] = operands;
    if (path?.endsWith('.zip') === true && operands.length === 1) {
      const { runVerifyBundle } = await import('../evidence/verifyCommand.js');
      return runVerifyBundle(path, { vkeys: await readVkeys(options.vkey), json: options.json ?? false }, io);
    }
    const policy = await policyOf(options.policy, options.witness);
    const report = await verify(
      {
        log: onlyOperand(operands, 'log'),
        vkeys: await readVkeys(options.vkey),
        checkpoint: options.checkpoint,
        against: options.against ?? [],
        live: options.live ?? false,
        allowMissing: options['allow-missing'] ?? false,
        records: !(options['any-lines'] ?? false),
        ...(policy && { policy }),
        ...(options.tsa !== undefined && { authorities: await readFile(options.tsa, 'utf8') }),
      },
      io,
    );
    reading.showed(report.size);
    if (options.json === true) io.stdout.write(`${JSON.stringify(forPrograms(operands[0] ?? '', report))}\n`);
    else printReport(operands[0] ?? '', report, io);
    if (report.status === 'unsealed') return ExitCode.input;
    return report.ok ? ExitCode.ok : ExitCode.finding;
  },
});

async function verify(
  { log, vkeys, checkpoint, against, ...how }: VerifyRequest,
  io: CommandIo,
): Promise<VerifyReport> {
  if (log !== '-') {
    const options = { against, ...how, ...(vkeys && { vkeys }), ...(checkpoint && { checkpoint }) };
    if (!isStored(log)) return verifyLogFile(log, options);
    return (await (await import('../input/archived.js')).archivedLog(log, io)).verify(options);
  }
  const { authorities, ...rest } = how;
  if (authorities !== undefined)
    throw usageFailure('--tsa needs the log as a file', 'Timestamps lie beside it.');
  if (vkeys === undefined || checkpoint === undefined)
    throw usageFailure('standard input needs --vkey and --checkpoint', 'Nothing lies beside it.');
  const others = await readCheckpoints(checkpoint);
  const own = others.pop();
  for (const path of against)
    others.push(...(await readCheckpoints(path)).map((input) => ({ ...input, keptElsewhere: true })));
  if (own === undefined) throw usageFailure('--checkpoint names no checkpoint');
  return verifyLog(io.stdin as AsyncIterable<Uint8Array>, {
    verifiers: vkeys.map(parseVkey),
    checkpoint: own,
    others,
    ...rest,
  });
}

/** The rule that witnesses are held to: a file, or all of those whose keys are given. */
async function policyOf(
  path: string | undefined,
  vkeys: readonly string[] | undefined,
): Promise<WitnessPolicy | undefined> {
  if (path !== undefined && vkeys !== undefined) throw usageFailure('give either --policy or --witness');
  if (path !== undefined) return asUsage('--policy', parsePolicy, await readFile(path, 'utf8'));
  if (vkeys === undefined) return undefined;
  const witnesses = vkeys.map((vkey) => asUsage('--witness', parseWitnessVkey, vkey));
  return policyOfAll(witnesses.map((verifier) => ({ name: verifier.name, verifier, url: undefined })));
}

/** A key or policy that cannot be read is a usage error, never a finding about the log. */
function asUsage<T>(option: string, read: (text: string) => T, text: string): T {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof IntegrityError) throw usageFailure(`${option}: ${error.message}`);
    throw error;
  }
}

function firstBad({ problems }: VerifyReport): number | undefined {
  return problems.find(({ index }) => index !== undefined)?.index;
}

function forPrograms(log: string, report: VerifyReport): object {
  const { ok, status, origin, size, sealed, root, problems, checks, sessions, warnings } = report;
  return {
    ok,
    status,
    verdict: verdictSentence(report),
    log,
    origin,
    size,
    sealed,
    root,
    first_bad_index: firstBad(report),
    problems,
    checks,
    sessions,
    warnings,
  };
}

function printReport(log: string, report: VerifyReport, { stdout, env }: CommandIo): void {
  const { red, green, yellow, bold } = palette(stdout, env);
  const lines = report.warnings.map((warning) => `${yellow('warning:')} ${printable(warning)}`);
  for (const problem of report.problems)
    lines.push(`${red(`${problem.kind}:`)} ${printable(problem.message)}${placeOf(problem)}`);
  const first = firstBad(report);
  const title = VERDICT_TITLES[report.status].toLowerCase();
  if (report.ok) {
    const part = report.sealed === report.size ? 'all' : report.sealed;
    lines.push(
      `${green('ok')}: ${bold(log)} holds ${plural(report.size, 'record')} of ${printable(report.origin ?? '')}, ${part} of them sealed`,
      `root: ${report.root}`,
    );
  } else
    lines.push(`${red('not ok')}: ${bold(log)}${first === undefined ? '' : `, first bad index ${first}`}`);
  lines.push(`${title}: ${printable(verdictSentence(report))}`, '', ...checkLines(report.checks), '');
  stdout.write(lines.join('\n'));
}

function placeOf({ segment, offset }: Problem): string {
  if (segment === undefined || offset === undefined) return '';
  return ` (${printable(segment)}, byte ${offset})`;
}
