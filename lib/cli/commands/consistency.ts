import { readFile } from 'node:fs/promises';
import { openCheckpoint } from '../../integrity/tlog/checkpoint.js';
import { proveConsistency } from '../../integrity/proving.js';
import {
  checkConsistencyProof,
  formatConsistencyProof,
  parseConsistencyProof,
} from '../../integrity/tlog/tlogProof.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { asFinding, checkpointNote, keyFiles, keysFor, VKEY_OPTION } from '../integrity/judgement.js';
import { Output } from '../term/output.js';

/** `consistency`: whether one checkpoint extends another. */
export const command = defineCommand({
  name: 'consistency',
  summary: 'Check that a later checkpoint extends an earlier one: no history was rewritten',
  usage: 'A B (--log LOG | --proof FILE) --vkey VKEY',
  about: `
A and B are files with a checkpoint each, A the older one. The proof between them (RFC 6962) is made
from the log, or read from a file. Its form is the body of a witness's add-checkpoint request
(c2sp.org/tlog-witness).`,
  options: {
    log: { type: 'string', value: 'LOG', help: 'make the proof from this log' },
    proof: { type: 'string', value: 'FILE', help: 'check this proof, without the log' },
    vkey: VKEY_OPTION,
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write the proof to a file, too' },
    json: { type: 'boolean', help: 'the result as one JSON object' },
  },
  examples: [
    [
      'otel-mcp-log consistency january.checkpoint audit.jsonl.integrity/checkpoint --log audit.jsonl --vkey audit.vkey',
      'the log of January is still in the log of today',
    ],
  ],
  exits: [
    [0, 'B extends A'],
    [1, 'it does not, or a checkpoint is not signed by a trusted key'],
  ],
  async run({ options, operands, io }) {
    const [a, b] = operands;
    if (a === undefined || b === undefined || operands.length > 2)
      throw usageFailure('two checkpoints are needed');
    if ((options.log === undefined) === (options.proof === undefined))
      throw usageFailure('give either --log or --proof');
    const inputs = [a, b, options.log, options.proof, ...keyFiles(options.vkey)].filter(
      (path) => path !== undefined,
    );
    const verifiers = await keysFor(options.log, options.vkey, io);
    const [older, newer] = await asFinding(
      async () =>
        [
          openCheckpoint(await checkpointNote(undefined, a), verifiers),
          openCheckpoint(await checkpointNote(undefined, b), verifiers),
        ] as const,
    );
    const proof = await asFinding(async () =>
      options.proof === undefined
        ? proveConsistency(options.log ?? '', older, newer)
        : { ...parseConsistencyProof(await readFile(options.proof, 'utf8')), checkpoint: newer.note },
    );
    await asFinding(() => checkConsistencyProof(proof, older, verifiers));
    if (options.output !== undefined) {
      const output = await Output.to(options.output, inputs, io);
      output.text(formatConsistencyProof(proof));
      await output.end();
    }
    const { origin } = newer;
    io.stdout.write(
      options.json === true
        ? `${JSON.stringify({ ok: true, origin, older: older.size, newer: newer.size })}\n`
        : `ok: the log ${origin} at ${newer.size} records extends the log at ${older.size}\n`,
    );
    return ExitCode.ok;
  },
});
