import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ConfigError, IntegrityError } from '../../../lib/errors.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { parseNote } from '../../../lib/integrity/tlog/note.js';
import { resolveIntegrity } from '../../../lib/integrity/sealing/options.js';
import { requireGranted, timestampRequest } from '../../../lib/integrity/sealing/timestamps.js';
import { verifyTimestamp } from '../../../lib/integrity/verification/vouchers.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { startTimestampAuthority, type TimestampAuthority } from '../../support/timestampAuthority.js';

describe('integrity: timestamps (RFC 3161)', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const authorities: Record<string, TimestampAuthority> = {};
  let log: TestLog;
  const authority = (kind: string): TimestampAuthority => authorities[kind] ?? expect.fail();
  const tokens = () => readdirSync(integrityLayout(log.path).timestamps);
  const verified = (certificates: string) =>
    verifyLogFile(log.path, { vkeys: [log.key.vkey], authorities: certificates });

  before(async () => {
    for (const kind of ['rsa', 'ec'] as const)
      authorities[kind] = await startTimestampAuthority(join(folder.path, kind), kind);
  });
  after(async () => {
    for (const { stop } of Object.values(authorities)) await stop();
    folder.remove();
  });
  beforeEach(() => {
    log = new TestLog(temporaryFolderWithin());
  });
  afterEach(async () => {
    await log.close();
  });
  let count = 0;
  function temporaryFolderWithin(): string {
    const path = join(folder.path, `log-${count++}`);
    execFileSync('mkdir', [path]);
    return path;
  }
  const stamped = async (kind: string, records = 5) => {
    log.options = { ...log.options, timestamps: authority(kind).url };
    await log.open();
    await log.append(records).close();
  };

  for (const kind of ['rsa', 'ec'])
    it(`are taken at shutdown and verify offline, with ${kind} keys`, async () => {
      await stamped(kind);
      expect(tokens()).to.deep.equal(['5.tsr']);
      const report = await verified(authority(kind).root);
      expect(report.problems).to.deep.equal([]);
      const { by = '', result } = report.checks.find(({ what }) => what.startsWith('stamped')) ?? {};
      expect(result).to.equal('holds');
      expect(by).to.match(new RegExp(`^5 records were there by 20.*Z, says CN=Authority ${kind}$`));
      expect(log.errors).to.deep.equal([]);
    });

  it('are taken no more often than asked for', async () => {
    const before = authority('ec').stamped();
    log.options = { ...log.options, timestamps: { url: authority('ec').url, everySeconds: 3600 } };
    await log.open();
    await log.appendSealed(4, 5);
    await log.close();
    expect(authority('ec').stamped() - before).to.be.at.most(2);
    expect(tokens()).to.include('20.tsr');
  });

  it('are checked by openssl as well', async () => {
    await stamped('ec');
    const { folder: evidence, checkpoint } = integrityLayout(log.path);
    const text = join(evidence, 'text');
    writeFileSync(text, parseNote(readFileSync(checkpoint, 'utf8')).text);
    const root = join(folder.path, 'ec', 'ca.pem');
    const token = join(evidence, 'timestamps', '5.tsr');
    const out = execFileSync('openssl', ['ts', '-verify', '-data', text, '-in', token, '-CAfile', root], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(out.toString()).to.contain('Verification: OK');
  });

  it('of another authority, of another checkpoint, damaged or missing are findings', async () => {
    await stamped('ec');
    const kinds = async (certificates: string) =>
      (await verified(certificates)).problems.map(({ kind, message }) => `${kind}: ${message}`);
    expect(await kinds(authority('rsa').root)).to.deep.equal([
      'timestamp: the timestamp at 5 records: the timestamp was signed by no authority that is trusted here',
    ]);
    const { timestamps } = integrityLayout(log.path);
    const token = readFileSync(join(timestamps, '5.tsr'));
    writeFileSync(join(timestamps, '4.tsr'), token);
    expect(await kinds(authority('ec').root)).to.deep.equal([
      'timestamp: the timestamp at 4 records: there is no checkpoint that it could be of',
    ]);
    rmSync(join(timestamps, '4.tsr'));
    writeFileSync(join(timestamps, '5.tsr'), token.subarray(0, 100));
    expect((await kinds(authority('ec').root)).join()).to.match(/^timestamp: the timestamp at 5 records: /);
    rmSync(timestamps, { recursive: true });
    expect(await kinds(authority('ec').root)).to.deep.equal(['timestamp: no timestamp lies beside the log']);
  });

  it('of any bytes verify or are an IntegrityError', async () => {
    await stamped('ec');
    const text = parseNote(readFileSync(integrityLayout(log.path).checkpoint, 'utf8')).text;
    const token = readFileSync(join(integrityLayout(log.path).timestamps, '5.tsr'));
    const damaged = fc.tuple(fc.nat(token.length - 1), fc.nat(255)).map(([at, value]) => {
      const bytes = Uint8Array.from(token);
      bytes[at] = value;
      return bytes;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.uint8Array()), async (bytes) => {
        try {
          const { time } = await verifyTimestamp(bytes, text, authority('ec').root);
          expect(Math.abs(time.getTime() - Date.now())).to.be.lessThan(600_000);
        } catch (error) {
          expect(error).to.be.instanceOf(IntegrityError);
        }
      }),
      { numRuns: 100 },
    );
    const other = await verifyTimestamp(token, `${text} `, authority('ec').root).catch(
      (error: Error) => error,
    );
    expect(other).to.be.instanceOf(IntegrityError);
    expect((other as Error).message).to.contain('is not of this checkpoint');
  });

  it('that are refused, of another request, or no timestamps are reported, and the log goes on', async () => {
    const answers: Buffer[] = [
      Buffer.from('30053003020102', 'hex'),
      Buffer.from('no timestamp'),
      Buffer.concat([Buffer.from('30053003020100', 'hex'), Buffer.alloc(100)]),
      Buffer.alloc(1 << 17),
    ];
    const server = createServer((_, response) => response.end(answers.shift())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    log.options = { ...log.options, timestamps: url };
    for (let round = 0; round < 4; round++) {
      await log.open();
      await log.append(1).close();
    }
    server.close();
    server.closeAllConnections();
    const messages = log.errors.map(({ message }) => message);
    for (const reason of ['with status 2', 'no timestamp response', 'another request', 'too long'])
      expect(messages.join('\n')).to.contain(reason);
  });

  it('are asked for as RFC 3161 has it', () => {
    const request = timestampRequest('text');
    writeFileSync(join(folder.path, 'request.tsq'), request.der);
    const told = execFileSync('openssl', ['ts', '-query', '-in', join(folder.path, 'request.tsq'), '-text'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
    expect(told).to.match(/Version: 1[\s\S]*Hash Algorithm: sha256[\s\S]*Certificate required: yes/);
    expect(told.toLowerCase()).to.contain(request.nonce.toString('hex'));
    expect(() => requireGranted(Buffer.alloc(0), request)).to.throw(IntegrityError);
  });

  it('refuse options that cannot work', () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      ['ftp://x', 'expected a URL of http or https'],
      ['', 'expected a non-empty string'],
      [{ url: 'http://x', everySeconds: 0 }, 'expected a whole number'],
      [{ url: 'http://x', fetch: 1 }, 'expected a function'],
      [{ uri: 'http://x' }, 'unknown option'],
    ];
    for (const [timestamps, message] of wrong)
      expect(() => resolveIntegrity({ ...log.options, timestamps: timestamps as string })).to.throw(
        ConfigError,
        message,
      );
  });
});
