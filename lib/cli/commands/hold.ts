import { holdsIn, readJournal } from '../../integrity/verification/retentionJournal.js';
import { printable } from '../../internal/text.js';
import { hold, lift } from '../../sinks/file/journal.js';
import { onlyOperand } from '../integrity/judgement.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';

/** `otel-mcp-log hold`: legal holds, which stop retention. */
export const command = defineCommand({
  name: 'hold',
  summary: 'Put a legal hold on a sealed log, lift it, or list the holds: under one, nothing is let go',
  usage: 'LOG [--as NAME|--lift NAME] [--reason TEXT]',
  about: `
A hold stops 'retain' and the retention of the program that writes the log, from the moment this command ends.
Who put and who lifted it, when and why is on record in LOG.retention.jsonl, a sealed log of its own.
Without --as and --lift, the holds are listed.`,
  options: {
    as: { type: 'string', value: 'NAME', help: 'put a hold of this name, that of a case for instance' },
    lift: { type: 'string', value: 'NAME', help: 'lift the hold of this name' },
    reason: { type: 'string', value: 'TEXT', help: 'why; goes on record' },
    by: { type: 'string', value: 'NAME', help: 'who, for the record (default: the account and the machine)' },
    key: {
      type: 'string',
      value: 'FILE',
      help: 'the key that seals the record (default: LOG.retention.key, made when missing)',
    },
    json: { type: 'boolean', help: 'the holds as one JSON object' },
  },
  examples: [
    ["otel-mcp-log hold audit.jsonl --as case-2026-17 --reason 'letter of 3 March'", 'nothing goes any more'],
    ["otel-mcp-log hold audit.jsonl --lift case-2026-17 --reason 'settled'", 'retention goes on'],
  ],
  exits: [[1, 'there is no hold of the name that is to be lifted']],
  async run({ options, operands, io }) {
    const log = onlyOperand(operands, 'log');
    const { as: name, lift: lifted, reason, by, key } = options;
    if (name !== undefined && lifted !== undefined) throw usageFailure('give either --as or --lift');
    const asked = name ?? lifted;
    if (asked !== undefined && (asked.trim() === '' || (reason ?? '').trim() === ''))
      throw usageFailure('a hold needs a name and a --reason', 'Both go on record.');
    const run = {
      env: io.env,
      by,
      ...(key !== undefined && { key }),
      onNotice: ({ kind, detail = '' }: { kind: string; detail?: string }) => {
        if (kind !== 'stale-lock') io.stderr.write(`${printable(`${kind}: ${detail}`)}\n`);
      },
    };
    if (name !== undefined) await hold(log, reason ?? '', name, run);
    const isLifted = lifted === undefined || (await lift(log, reason ?? '', lifted, run));
    const holds = holdsIn(await readJournal(log)).flatMap((entry) =>
      entry.action === 'hold' ? [entry] : [],
    );
    if (options.json === true) io.stdout.write(`${JSON.stringify({ holds })}\n`);
    else {
      const lines = holds.map(
        ({ hold: held, time, by: who, reason: why }) => `${held}: since ${time} by ${who}: ${why}`,
      );
      if (!isLifted) lines.unshift(`there is no hold ${lifted}`);
      io.stdout.write(`${(lines.length === 0 ? ['no legal hold'] : lines).map(printable).join('\n')}\n`);
    }
    return isLifted ? ExitCode.ok : ExitCode.finding;
  },
});
