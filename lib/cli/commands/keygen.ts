import { createPublicKey, type KeyObject } from 'node:crypto';
import { generateKeyFile, requireOrigin } from '../../integrity/sealing/keys.js';
import { formatVkey } from '../../integrity/tlog/note.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { unwritable } from '../term/output.js';

/** `keygen`: a key to seal a log with. */
export const command = defineCommand({
  name: 'keygen',
  summary: 'Make a key that seals a log, and print the verifier key that auditors need',
  usage: '--origin NAME -o FILE',
  about: `
Makes an Ed25519 key, writes it as PKCS#8 PEM to a new file with mode 0600, and prints its verifier key.
The origin is the identity of the log for good; by custom a name that you own, without a scheme. Keep
the verifier key where whoever can write the log cannot write: it is what auditors trust.`,
  options: {
    origin: { type: 'string', value: 'NAME', help: 'the origin of the log, e.g. audit.example.com/agents' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'the private key; never written over' },
    json: { type: 'boolean', help: 'the result as one JSON object' },
  },
  examples: [
    [
      'otel-mcp-log keygen --origin audit.example.com/agents -o audit.pem > audit.vkey',
      'both halves in files',
    ],
  ],
  exits: [
    [0, 'the key was made'],
    [3, 'the file is there already, or cannot be written'],
  ],
  async run({ options, io }) {
    if (options.origin === undefined) throw usageFailure('no --origin is given');
    if (options.output === undefined) throw usageFailure('no file is given (-o FILE)');
    const origin = requireOrigin('--origin', options.origin);
    const vkey = formatVkey(origin, createPublicKey(madeKey(options.output)));
    io.stdout.write(
      options.json === true ? `${JSON.stringify({ vkey, key: options.output })}\n` : `${vkey}\n`,
    );
    io.stderr.write(`The private key is in ${options.output}; the line above is the verifier key.\n`);
    return ExitCode.ok;
  },
});

function madeKey(path: string): KeyObject {
  try {
    return generateKeyFile(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}
