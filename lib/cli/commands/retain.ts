import { printable } from '../../internal/text.js';
import { archiveTarget } from '../../archive/state.js';
import { PRESETS, resolveRetain, type RetainOptions } from '../../sinks/file/keeping.js';
import { applyRetention, type RetentionResult } from '../../sinks/file/retention.js';
import { onlyOperand } from '../integrity/judgement.js';
import { ExitCode, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { palette } from '../term/terminal.js';
import { bytes, plural } from '../term/units.js';

/** `otel-mcp-log retain`: lets go of finished segments by a rule, on record. */
export const command = defineCommand({
  name: 'retain',
  summary:
    'Let go of old segments of a sealed log by a rule: on record, and never what is held or not archived',
  usage: 'LOG --most-days N|--most-bytes N [--preset NAME] [OPTION…]',
  about: `
Oldest first: what is older than --most-days, or beyond --most-bytes, unless it is to stay at least. A segment
that is not what was sealed stays, and so do the newest one and, where the log has an archive, every segment that
does not lie there, locked for long enough. Each is put on record in LOG.retention.jsonl, a sealed log of
its own, before it is deleted and after; 'verify' reads it. Under a legal hold ('hold') nothing goes.
The log may be written meanwhile.`,
  options: {
    preset: {
      type: 'string',
      value: 'NAME',
      help: Object.entries(PRESETS)
        .map(
          ([name, { days, atHand, source }]) =>
            `${name}: ${days} days, ${atHand} of them here where there is an archive (${source})`,
        )
        .join(',\n'),
    },
    'most-days': { type: 'string', value: 'N', help: 'what goes: segments whose newest record is older' },
    'most-bytes': {
      type: 'string',
      value: 'N',
      help: 'what goes: the oldest finished segments beyond this size together',
    },
    'least-days': { type: 'string', value: 'N', help: 'what stays: segments whose newest record is younger' },
    'least-bytes': {
      type: 'string',
      value: 'N',
      help: 'what stays: the newest finished segments up to this size',
    },
    reason: { type: 'string', value: 'TEXT', help: 'why, for the record (default: the rule)' },
    by: { type: 'string', value: 'NAME', help: 'who, for the record (default: the account and the machine)' },
    key: {
      type: 'string',
      value: 'FILE',
      help: 'the key that seals the record (default: LOG.retention.key, made when missing)',
    },
    'dry-run': { type: 'boolean', help: 'say what would go, and delete nothing' },
    json: { type: 'boolean', help: 'what was done as one JSON object' },
  },
  examples: [
    ['otel-mcp-log retain audit.jsonl --preset pci-dss --most-days 400 --dry-run', 'what would go'],
    ['otel-mcp-log retain audit.jsonl --least-days 92 --most-bytes 50000000000', 'keep a disk from filling'],
  ],
  exits: [
    [0, 'nothing is left that should go'],
    [1, 'something should go and stays; the output says why'],
  ],
  async run({ options, operands, io }) {
    const log = onlyOperand(operands, 'log');
    const number = (name: 'most-days' | 'most-bytes' | 'least-days' | 'least-bytes') => {
      const text = options[name];
      if (text !== undefined && !/^[1-9]\d{0,14}$/.test(text))
        throw usageFailure(`--${name} takes a whole number above 0`);
      return text === undefined ? undefined : Number(text);
    };
    const bound = (days: number | undefined, size: number | undefined) => ({
      ...(days !== undefined && { days }),
      ...(size !== undefined && { bytes: size }),
    });
    const { preset, reason, by } = options;
    if (preset !== undefined && !Object.hasOwn(PRESETS, preset))
      throw usageFailure('--preset: unknown name', `Known are ${Object.keys(PRESETS).join(', ')}.`);
    const policy = resolveRetain(
      {
        ...(preset !== undefined && { preset: preset as NonNullable<RetainOptions['preset']> }),
        ...(reason !== undefined && { reason }),
        atLeast: bound(number('least-days'), number('least-bytes')),
        atMost: bound(number('most-days'), number('most-bytes')),
      },
      (await archiveTarget(log)) !== undefined,
    );
    if (policy.atMost.days === undefined && policy.atMost.bytes === undefined)
      throw usageFailure('nothing goes without --most-days or --most-bytes');
    const result = await applyRetention(log, policy, {
      env: io.env,
      by,
      dryRun: options['dry-run'] ?? false,
      ...(options.key !== undefined && { key: options.key }),
      onNotice: ({ kind, detail = '' }) => {
        if (kind !== 'stale-lock') io.stderr.write(`${printable(`${kind}: ${detail}`)}\n`);
      },
    });
    if (options.json === true) io.stdout.write(`${JSON.stringify(result)}\n`);
    else tell(result, options['dry-run'] === true, io);
    return result.kept.length > 0 ? ExitCode.finding : ExitCode.ok;
  },
});

function tell({ gone, kept, repaired, holds }: RetentionResult, isDry: boolean, io: CommandIo): void {
  const { bold, yellow } = palette(io.stdout, io.env);
  const did = isDry ? 'would go' : 'let go';
  const lines = [
    ...repaired,
    ...gone.map(
      ({ file, first, count, bytes: size }) =>
        `${bold(printable(file))}: ${did}: ${plural(count, 'record')} from ${first}, ${bytes(size)}`,
    ),
    ...kept.map((sentence) => yellow(printable(sentence))),
    ...holds.map(
      (entry) =>
        `legal hold ${entry.action === 'hold' ? printable(entry.hold) : ''} since ${entry.time} by ${printable(entry.by)}: ${printable(entry.reason)}`,
    ),
    `${plural(gone.length, 'segment')} ${did}`,
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}
