import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NoteVerifier } from '../../lib/integrity/tlog/note.js';
import { Witness } from '../../lib/integrity/witness.js';
import { witnessServer, type RequestListener } from '../../lib/cli/integrity/witnessServer.js';
import { newWitnessKey } from './signing.js';

/** By what a witness names a log where it serves its checkpoint. */
export const hashOfOrigin = (origin: string): string => createHash('sha256').update(origin).digest('hex');

/** A witness that runs, on loopback. */
export interface RunningWitness {
  readonly name: string;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  readonly url: string;
  /** Its line of a policy. */
  readonly line: string;
  /** The status of each answer to a submission so far. */
  readonly answers: readonly number[];
  stop(): Promise<void>;
}

/** Starts a witness: a real server, with its state in a folder. */
export async function startWitness(
  name: string,
  folder: string,
  logs: readonly NoteVerifier[],
  key = newWitnessKey(`witness.example/${name}`),
  { port = 0, timeoutMs }: { readonly port?: number; readonly timeoutMs?: number | undefined } = {},
): Promise<RunningWitness> {
  const { privateKey, verifier, vkey } = key;
  const witness = await Witness.open({ name: verifier.name, privateKey, folder, logs });
  const answers: number[] = [];
  const onRequest: RequestListener = ({ path, status }) => {
    if (path === '/add-checkpoint') answers.push(status);
  };
  const server: Server = witnessServer(witness, onRequest, timeoutMs);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const line = `witness ${name} ${vkey} ${url}\n`;
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { name, vkey, verifier, url, line, answers, stop };
}
