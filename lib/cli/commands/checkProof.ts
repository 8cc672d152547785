import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { toJsonLine } from '../../codecs/codec.js';
import { type Checkpoint } from '../../integrity/tlog/checkpoint.js';
import {
  checkDisclosure,
  isDisclosing,
  checkTlogProof,
  parseTlogProof,
} from '../../integrity/tlog/tlogProof.js';
import { ExitCode, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { asFinding, keysFor, onlyOperand, VKEY_OPTION } from '../integrity/judgement.js';
import {
  committedRecord,
  CONTENT_OPTIONS,
  partOf,
  readJson,
  saltFor,
  shownBy,
} from '../integrity/content.js';
import type { CommittedPart } from '../../schema/parts.js';

const LF = 0x0a;

/** `check-proof`: whether a proof of one record holds. */
export const command = defineCommand({
  name: 'check-proof',
  summary: 'Check a proof that one record is in a sealed log',
  usage: 'PROOF --vkey VKEY [--record FILE] [--content FILE --opening FILE]',
  about: `
Checks a C2SP tlog-proof against the record that it is for: the exact bytes of its line. The record is
taken from the file that --record names, or from the proof, if that carries it. A proof that reveals
some fields is checked by itself, and they are shown. With --content it also says whether the content
of a file is what was sent or returned, by the opening of that record (prove --open).`,
  options: {
    vkey: VKEY_OPTION,
    record: { type: 'string', value: 'FILE', help: "the line of the record; '-' is standard input" },
    content: CONTENT_OPTIONS.content,
    part: CONTENT_OPTIONS.part,
    opening: CONTENT_OPTIONS.opening,
    json: { type: 'boolean', help: 'the result as one JSON object' },
  },
  examples: [['otel-mcp-log check-proof 41.tlog-proof --vkey audit.vkey', 'a proof that carries its record']],
  exits: [
    [0, 'the record is in the log'],
    [1, 'the proof does not hold, or the content is not that of the record'],
  ],
  async run({ options, operands, io }) {
    const path = onlyOperand(operands, 'proof');
    const verifiers = await keysFor(undefined, options.vkey, io);
    const text = await readFile(path, 'utf8');
    const proof = await asFinding(() => parseTlogProof(text));
    if (options.record === undefined && isDisclosing(proof)) {
      const { checkpoint, fields } = await asFinding(() => checkDisclosure(proof, verifiers));
      const of = await contentPart(Object.fromEntries(fields), options, io);
      sayDisclosed(proof.index, checkpoint, Object.fromEntries(fields), options.json ?? false, io, of);
      return ExitCode.ok;
    }
    const line = options.record === undefined ? proof.extra : await recordLine(options.record, io);
    if (line === undefined) throw usageFailure('the proof does not carry its record; name it with --record');
    const { origin, size } = await asFinding(() => checkTlogProof(proof, line, verifiers));
    const of = await contentPart(options.content === undefined ? {} : shownBy(line), options, io);
    io.stdout.write(
      options.json === true
        ? `${JSON.stringify({ ok: true, origin, index: proof.index, size, ...(of && { content: of }) })}\n`
        : `ok: the record is at index ${proof.index} of the log ${origin}, as its checkpoint of ${size} records has it${sayContent(of)}\n`,
    );
    return ExitCode.ok;
  },
});

function sayDisclosed(
  index: number,
  { origin, size }: Checkpoint,
  fields: object,
  json: boolean,
  { stdout }: CommandIo,
  content: CommittedPart | undefined,
): void {
  stdout.write(
    json
      ? `${JSON.stringify({ ok: true, origin, index, size, revealed: fields, ...(content && { content }) })}\n`
      : `ok: the record is at index ${index} of the log ${origin}, as its checkpoint of ${size} records has it; it shows\n${toJsonLine(fields)}\nand hides the rest${sayContent(content)}\n`,
  );
}

/** Which part of the record the content is, where one is given. */
async function contentPart(
  shown: object,
  { content, part, opening }: { content?: string; part?: string; opening?: string },
  io: CommandIo,
): Promise<CommittedPart | undefined> {
  if (content === undefined) return undefined;
  const record = committedRecord(shown);
  const salt = await saltFor(record, { opening });
  return partOf(await readJson(content, 'content', io), record, salt, part);
}

function sayContent(part: CommittedPart | undefined): string {
  return part === undefined ? '' : `; the content is its ${part}`;
}

/** An editor or a shell may have added a line feed. It is no part of the record. */
async function recordLine(path: string, { stdin }: CommandIo): Promise<Uint8Array> {
  const bytes = path === '-' ? await buffer(stdin) : await readFile(path);
  return bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes;
}
