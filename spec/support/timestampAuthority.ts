import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const CONFIGURATION = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = authority
[authority]
serial = ./serial
signer_cert = ./tsa.pem
certs = ./ca.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.2
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
`;

/** A time-stamping authority of its own: OpenSSL's, behind a real HTTP server. */
export interface TimestampAuthority {
  readonly url: string;
  /** Its root certificate, in PEM. */
  readonly root: string;
  /** How many timestamps it gave. */
  readonly stamped: () => number;
  stop(): Promise<void>;
}

/** @param kind The kind of its keys. */
export async function startTimestampAuthority(
  folder: string,
  kind: 'rsa' | 'ec',
): Promise<TimestampAuthority> {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const key = kind === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  writeFileSync(join(folder, 'cnf'), CONFIGURATION);
  writeFileSync(join(folder, 'serial'), '01\n');
  const asked = (name: string) => ['-newkey', ...key, '-nodes', '-keyout', `${name}.key`, '-config', 'cnf'];
  openssl('req', '-x509', ...asked('ca'), '-subj', `/CN=Root ${kind}`, '-extensions', 'ca', '-out', 'ca.pem');
  openssl('req', ...asked('tsa'), '-subj', `/CN=Authority ${kind}`, '-out', 'tsa.csr');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'cnf'];
  openssl('x509', '-req', '-in', 'tsa.csr', ...signed, '-extensions', 'stamping', '-out', 'tsa.pem');
  let stamped = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const name = `${++stamped}`;
      writeFileSync(join(folder, `${name}.tsq`), Buffer.concat(chunks));
      openssl(
        'ts',
        '-reply',
        '-config',
        'cnf',
        '-section',
        'authority',
        '-queryfile',
        `${name}.tsq`,
        '-out',
        `${name}.tsr`,
      );
      response.setHeader('content-type', 'application/timestamp-reply');
      response.end(readFileSync(join(folder, `${name}.tsr`)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`,
    root: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    stamped: () => stamped,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
