import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isKeyName, parseVkey } from '../../integrity/tlog/note.js';
import { readOrGenerateKey } from '../../integrity/sealing/keys.js';
import { Witness } from '../../integrity/witness.js';
import { ExitCode, CliFailure, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { readVkeys } from '../integrity/judgement.js';
import { witnessServer } from '../integrity/witnessServer.js';

const DEFAULT_LISTEN = '127.0.0.1:7380';

/** `witness`: vouches for the logs of others. */
export const command = defineCommand({
  name: 'witness',
  summary: 'Run a witness: a server that cosigns the checkpoints of logs which others keep',
  usage: '--name NAME --key FILE --state FOLDER --log VKEY [--listen ADDRESS:PORT]',
  about: `
Answers the C2SP witness protocol (c2sp.org/tlog-witness). It cosigns a checkpoint only if the checkpoint
extends all that it has cosigned of that log before, so who trusts the witness need not trust those who
keep the log. It sees sizes and hashes, never a record. Run it on another host, under another account,
with a key of its own; put a TLS proxy in front where it is to be reached from outside.`,
  options: {
    name: { type: 'string', value: 'NAME', help: 'its name, e.g. security.example.com/witness' },
    key: {
      type: 'string',
      value: 'FILE',
      help: 'its Ed25519 key (PKCS#8 PEM); made with mode 0600 if missing',
    },
    state: { type: 'string', value: 'FOLDER', help: 'where it keeps what it cosigned last of each log' },
    log: {
      type: 'string',
      multiple: true,
      value: 'VKEY',
      help: 'the verifier key of a log to vouch for, or a file of them; may be repeated',
    },
    listen: {
      type: 'string',
      value: 'ADDRESS:PORT',
      help: `where to listen; default: ${DEFAULT_LISTEN}; port 0 takes a free one`,
    },
  },
  examples: [
    [
      'otel-mcp-log witness --name security.example.com/witness --key witness.pem --state /var/lib/witness --log audit.vkey',
      'vouch for one log; its line of a witness policy is printed',
    ],
  ],
  exits: [
    [0, 'it was stopped by SIGINT or SIGTERM'],
    [3, 'the key or the state cannot be used, or the address is taken'],
  ],
  async run({ options, operands, io }) {
    if (operands.length > 0) throw usageFailure('this command takes options only');
    const witness = await openWitness(options);
    const { host, port } = addressOf(options.listen ?? DEFAULT_LISTEN);
    const server = witnessServer(witness, ({ path, status, detail }) => {
      io.stderr.write(`${status} ${path}${detail === undefined ? '' : `: ${detail}`}\n`);
    });
    server.listen(port, host);
    await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
      throw new CliFailure(ExitCode.input, `cannot listen on ${host}:${port} (${String(error.code)})`);
    });
    announce(options.name ?? '', witness.vkey, server.address() as AddressInfo, io);
    await stopped();
    server.close();
    server.closeIdleConnections();
    await once(server, 'close');
    return ExitCode.ok;
  },
});

async function openWitness(options: {
  readonly name?: string;
  readonly key?: string;
  readonly state?: string;
  readonly log?: readonly string[];
}): Promise<Witness> {
  const { name, key, state: folder, log } = options;
  if (name === undefined || !isKeyName(name))
    throw usageFailure('--name needs a name such as security.example.com/witness, without spaces or plus');
  if (key === undefined) throw usageFailure('no --key is given');
  if (folder === undefined) throw usageFailure('no --state is given');
  const vkeys = await readVkeys(log);
  if (vkeys === undefined)
    throw usageFailure('no --log is given', 'A witness vouches for logs that it is told of.');
  const { privateKey } = readOrGenerateKey('--key', key);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw usageFailure('--key: not an Ed25519 key');
  return Witness.open({ name, privateKey, folder, logs: vkeys.map((vkey) => parseVkey(vkey)) });
}

function addressOf(listen: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(digits) > 65_535)
    throw usageFailure('--listen needs an address and a port, e.g. 127.0.0.1:7380 or [::1]:7380');
  return { host, port: Number(digits) };
}

/** On stdout, what a policy needs of it: the line can be copied as it is. */
function announce(name: string, vkey: string, { address, port, family }: AddressInfo, io: CommandIo): void {
  const host = family === 'IPv6' ? `[${address}]` : address;
  const label = name.replace(/[^A-Za-z0-9._-]+/g, '-');
  io.stdout.write(`witness ${label} ${vkey} http://${host}:${port}/\n`);
  io.stderr.write('The line above is its line of a witness policy (c2sp.org/tlog-policy).\n');
}

async function stopped(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
