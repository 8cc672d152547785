import { findRecord, proveRecord } from '../../integrity/proving.js';
import { formatTlogProof } from '../../integrity/tlog/tlogProof.js';
import { ExitCode } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import {
  asFinding,
  checkpointNote,
  keyFiles,
  keysFor,
  onlyOperand,
  VKEY_OPTION,
} from '../integrity/trust.js';
import { usageFailure } from '../shared/failure.js';
import { Output } from '../term/output.js';

/** `prove`: a proof that one record is in a log, which shows none of the others. */
export const command = defineCommand({
  name: 'prove',
  summary: 'Write a proof that one record is in a sealed log',
  usage: 'LOG (--record N | --record-id ID) [--reveal FIELDS] [-o FILE]',
  about: `
Writes a C2SP tlog-proof (c2sp.org/tlog-proof): who has it, the record and the verifier key can check
that the record is in the log, without the log. It tells nothing of the other records. With --reveal it
shows some fields of the record and hides the others, where the log was written with integrity.selective.`,
  options: {
    index: { type: 'string', value: 'N', help: 'the place of the record in the log, from 0' },
    record: { type: 'string', value: 'N', help: 'the same as --index' },
    reveal: {
      type: 'string',
      value: 'LIST',
      help: "show these fields and hide the others: 'actor_id,resource,outcome,mcp.tool_name'",
    },
    'record-id': { type: 'string', value: 'ID', help: 'the record_id of the record' },
    checkpoint: { type: 'string', value: 'FILE', help: 'the checkpoint, if not the one beside the log' },
    'with-record': { type: 'boolean', help: 'put the record itself into the proof, as its extra data' },
    vkey: VKEY_OPTION,
    output: { type: 'string', short: 'o', value: 'FILE', help: 'where the proof goes; default: stdout' },
  },
  examples: [
    [
      'otel-mcp-log prove audit.jsonl --index 41 --with-record -o 41.tlog-proof',
      'one record, with the proof that it was logged',
    ],
    [
      'otel-mcp-log prove audit.jsonl --record 41 --reveal actor_id,resource,outcome -o 41.tlog-proof',
      'three fields of it, and nothing else',
    ],
  ],
  exits: [
    [0, 'the proof was written'],
    [1, 'the log does not lead to the checkpoint, the record is not in it, or has no such field to reveal'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const log = onlyOperand(operands, 'log');
    const verifiers = await keysFor(log, options.vkey, io);
    const note = await checkpointNote(log, options.checkpoint);
    const { index, record, reveal } = options;
    if (index !== undefined && record !== undefined) throw usageFailure('give either --record or --index');
    const wanted = wantedRecord(index ?? record, options['record-id']);
    const shown = reveal === undefined ? options['with-record'] : revealed(reveal, options['with-record']);
    const proof = await asFinding(async () =>
      proveRecord(log, await findRecord(log, wanted), note, verifiers, shown),
    );
    reading.showed(1);
    const inputs = [log, ...(options.checkpoint === undefined ? [] : [options.checkpoint])];
    const output = await Output.to(options.output, [...inputs, ...keyFiles(options.vkey)], io);
    output.text(formatTlogProof(proof));
    await output.end();
    return ExitCode.ok;
  },
});

function revealed(list: string, withRecord: boolean | undefined): readonly string[] {
  if (withRecord === true)
    throw usageFailure('--with-record shows all, --reveal hides the rest: give one of them');
  const names = list.split(',').map((name) => name.trim());
  if (names.includes('')) throw usageFailure('--reveal needs names of fields (LIST)');
  return names;
}

function wantedRecord(index: string | undefined, recordId: string | undefined) {
  if ((index === undefined) === (recordId === undefined))
    throw usageFailure('give either --record or --record-id');
  if (recordId !== undefined) return { recordId };
  if (!/^\d{1,15}$/.test(index ?? '')) throw usageFailure('--record needs a whole number (N)');
  return { index: Number(index) };
}
