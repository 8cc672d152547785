import { existsSync } from 'node:fs';
import { findRecord, proveRecord, type FoundRecord } from '../../integrity/proving.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import { openCheckpoint } from '../../integrity/tlog/checkpoint.js';
import { formatTlogProof } from '../../integrity/tlog/tlogProof.js';
import { ExitCode, usageFailure, type CommandIo, type Reading } from '../shared/command.js';
import {
  committedRecord,
  CONTENT_OPTIONS,
  openingOf,
  partOf,
  readJson,
  saltFor,
  shownBy,
} from '../integrity/content.js';
import { defineCommand } from '../shared/define.js';
import {
  asFinding,
  checkpointNote,
  keyFiles,
  keysFor,
  onlyOperand,
  VKEY_OPTION,
} from '../integrity/judgement.js';
import { Output } from '../term/output.js';

/** `prove`: a proof that one record is in a log, which shows none of the others. */
export const command = defineCommand({
  name: 'prove',
  summary: 'Write a proof that one record is in a sealed log',
  usage: 'LOG (--record N | --record-id ID) [--reveal FIELDS | --content FILE | --open] [-o FILE]',
  about: `
Writes a C2SP tlog-proof (c2sp.org/tlog-proof): who has it, the record and the verifier key can check
that the record is in the log, without the log. It tells nothing of the other records. With --reveal it
shows some fields of the record and hides the others, where the log was written with integrity.selective.
With --content it writes no proof, but says whether the content of a file is what was sent or returned,
by the record's commitments and their key; --open writes what lets somebody else check that record without the key.`,
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
    ...CONTENT_OPTIONS,
    open: { type: 'boolean', help: 'write what opens the commitments of this record, and of no other' },
    'commitment-key': {
      type: 'string',
      value: 'FILE',
      help: 'the keys of the commitments; default: LOG.commitment.key',
    },
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
    [
      'otel-mcp-log prove audit.jsonl --record 41 --content result.json',
      'whether this is what the server answered',
    ],
  ],
  exits: [
    [0, 'the proof or the opening was written, or the content is that of the record'],
    [
      1,
      'the log does not lead to the checkpoint, the record is not in it, or has no such field to reveal;\nor the content is not that of the record',
    ],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const log = onlyOperand(operands, 'log');
    const { index, record, reveal } = options;
    if (index !== undefined && record !== undefined) throw usageFailure('give either --record or --index');
    const wanted = wantedRecord(index ?? record, options['record-id']);
    if (options.content !== undefined || options.open === true)
      return await proveContent(log, wanted, options, io, reading);
    const verifiers = await keysFor(log, options.vkey, io);
    const note = await checkpointNote(log, options.checkpoint);
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

interface ContentQuestion {
  readonly content?: string;
  readonly open?: boolean;
  readonly part?: string;
  readonly opening?: string;
  readonly 'commitment-key'?: string;
  readonly checkpoint?: string;
  readonly vkey?: readonly string[];
  readonly output?: string;
}

/** Answers by the commitments of a record: opens it, or says whether a content is what was sent or returned. */
async function proveContent(
  log: string,
  wanted: { readonly index: number } | { readonly recordId: string },
  options: ContentQuestion,
  io: CommandIo,
  reading: Reading,
): Promise<number> {
  const { content, open, part, opening, 'commitment-key': keys } = options;
  if (content !== undefined && open === true) throw usageFailure('give either --content or --open');
  const found = await asFinding(() => findRecord(log, wanted));
  const record = committedRecord(shownBy(found.line));
  const salt = await saltFor(record, { opening, keys, log });
  reading.showed(1);
  if (content === undefined) {
    const output = await Output.to(options.output, [log, ...(keys === undefined ? [] : [keys])], io);
    output.text(`${JSON.stringify(openingOf(record, salt))}\n`);
    await output.end();
    return ExitCode.ok;
  }
  const sealed = await sealOf(log, found, options, io);
  const of = partOf(await readJson(content, 'content', io), record, salt, part);
  const whole = `ok: the content is the ${of} of the record ${record.record_id}, at index ${found.index} of ${log}; ${sealed}`;
  io.stdout.write(`${whole}\n`);
  return ExitCode.ok;
}

/** Whether the record is as it was sealed. A content that matches a forged record proves nothing. */
async function sealOf(
  log: string,
  found: FoundRecord,
  { checkpoint, vkey }: ContentQuestion,
  io: CommandIo,
): Promise<string> {
  const path = checkpoint ?? integrityLayout(log).checkpoint;
  if (checkpoint === undefined && vkey === undefined && !existsSync(path))
    return 'the log is not sealed, so nothing shows that the record is as it was written';
  const verifiers = await keysFor(log, vkey, io);
  const note = await checkpointNote(log, checkpoint);
  const { size } = await asFinding(async () => {
    await proveRecord(log, found, note, verifiers);
    return openCheckpoint(note, verifiers);
  });
  return `the record is in the log as its checkpoint of ${size} records has it`;
}

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
