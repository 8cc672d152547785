import { expect } from 'chai';
import { createPublicKey, sign } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, IntegrityError } from '../../../lib/errors.js';
import { generateKeyFile, resolveSigner, type IntegrityKey } from '../../../lib/integrity/sealing/keys.js';
import { parseVkey, verifyNote } from '../../../lib/integrity/tlog/note.js';
import { newKey } from '../../support/signing.js';
import { lowestFile } from '../../support/lowestFile.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: signing keys', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  const resolve = (key: IntegrityKey, origin = 'example.com/log') => resolveSigner('integrity', origin, key);

  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'keys', 'log.pem');
  });
  afterEach(() => folder.remove());

  it('sign from a PKCS#8 file, from its text, and through a callback: the same signature', async () => {
    const { pem, privateKey, publicKey, verifier, vkey } = newKey('example.com/log');
    path = join(folder.path, 'log.pem');
    writeFileSync(path, pem, { mode: 0o600 });
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const remote = async (bytes: Uint8Array) => sign(null, bytes, privateKey);
    const forms: IntegrityKey[] = [
      path,
      { pem },
      { generate: path },
      { publicKey, sign: remote },
      { publicKey: spki, sign: remote },
    ];
    const notes = await Promise.all(forms.map((key) => resolve(key).sign('text\n')));
    expect(new Set(notes).size).to.equal(1);
    expect(verifyNote(notes[0] ?? '', [verifier]).signers).to.have.length(1);
    expect(forms.map((key) => resolve(key).vkey)).to.deep.equal(forms.map(() => vkey));
  });

  it('are made at first use, in a file of mode 0600 within a folder of mode 0700, and kept', async () => {
    const made = resolve({ generate: path });
    expect(made.generated).to.equal(path);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(statSync(join(folder.path, 'keys')).mode & 0o777).to.equal(0o700);
    const again = resolve({ generate: path });
    expect(again.generated).to.equal(undefined);
    expect(again.vkey).to.equal(made.vkey);
    expect(verifyNote(await again.sign('text\n'), [parseVkey(made.vkey)]).text).to.equal('text\n');
    expect(createPublicKey(readFileSync(path)).asymmetricKeyType).to.equal('ed25519');
  });

  it('are never written over', () => {
    generateKeyFile(path);
    const before = readFileSync(path, 'utf8');
    expect(() => generateKeyFile(path)).to.throw('EEXIST');
    expect(readFileSync(path, 'utf8')).to.equal(before);
  });

  it('are refused from a file that others can access', () => {
    generateKeyFile(path);
    for (const mode of [0o604, 0o620, 0o666]) {
      chmodSync(path, mode);
      expect(() => resolve(path)).to.throw(ConfigError, /integrity\.key: others may access the key file/);
    }
    for (const mode of [0o400, 0o440, 0o600, 0o640]) {
      chmodSync(path, mode);
      expect(() => resolve(path)).to.not.throw();
    }
  });

  it('leave no file open, whether they can be used or not', () => {
    const before = lowestFile(folder.path);
    resolve({ generate: path });
    resolve(path);
    chmodSync(path, 0o666);
    expect(() => resolve(path)).to.throw(ConfigError);
    expect(lowestFile(folder.path)).to.equal(before);
  });

  it('are refused, without a word of the value, where they cannot be used', () => {
    const { publicKey, privateKey } = newKey('x');
    const sample = () => Buffer.alloc(64);
    for (const [key, message] of [
      [path, 'integrity.key: the key file cannot be read (ENOENT)'],
      ['', 'integrity.key: got an empty string'],
      [7, 'integrity.key: got number'],
      [{ pem: 'canary' }, 'integrity.key.pem: not a private key'],
      [{ pem: 'x', passphrase: 'canary' }, 'integrity.key.passphrase: unknown option'],
      [{ generate: '/dev/null/canary/key' }, 'integrity.key.generate: the key file cannot be made (ENOTDIR)'],
      [{ publicKey, sign: 'canary' }, 'integrity.key.sign: got a string'],
      [{ publicKey: 'canary', sign: sample }, 'integrity.key.publicKey: got a string'],
      [{ publicKey: privateKey, sign: sample }, 'integrity.key.publicKey: got'],
    ] as const) {
      const attempt = () => resolve(key as IntegrityKey);
      expect(attempt).to.throw(ConfigError, message);
      expect(attempt).to.not.throw(/canary/);
    }
    expect(existsSync(path)).to.equal(false);
  });

  it('belong to a name that other tools can read', () => {
    const { pem } = newKey('x');
    for (const origin of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u2028b', 'a\ud800'])
      expect(() => resolve({ pem }, origin), JSON.stringify(origin)).to.throw(
        ConfigError,
        'integrity.origin',
      );
    expect(() => resolve({ pem }, 'audit.example.com/ünïcode')).to.not.throw();
  });

  it('that live elsewhere are believed only when the signature verifies', async () => {
    const { publicKey } = newKey('x');
    const wrong = resolve({ publicKey, sign: async () => Buffer.alloc(64) });
    const failure = await wrong.sign('text\n').catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(IntegrityError);
    expect((failure as Error).message).to.contain('gave no signature by the key of example.com/log');
  });
});
