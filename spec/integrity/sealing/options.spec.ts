import { expect } from 'chai';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../lib/errors.js';
import { EMPTY_ROOT } from '../../../lib/integrity/tlog/merkle.js';
import {
  generateKeyFile,
  requireOrigin,
  resolveSigner,
  type IntegrityKey,
} from '../../../lib/integrity/sealing/keys.js';
import { resolveIntegrity, type IntegrityOptions } from '../../../lib/integrity/sealing/options.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const ORIGIN = 'audit.example.com/agents';
const key = newKey(ORIGIN);

describe('integrity: its options', () => {
  const resolve = (options: object = {}, name?: string) =>
    resolveIntegrity({ origin: ORIGIN, key: { pem: key.pem }, ...options } as IntegrityOptions, name);
  const refused = (options: object, option: string) => {
    const attempt = () => resolve(options, 'sinks[1].integrity');
    expect(attempt, option)
      .to.throw(ConfigError)
      .and.include({ option: `sinks[1].integrity${option}` });
  };

  it('have defaults: a checkpoint after 1000 records or 10 seconds, no anchor, no older key', () => {
    const { signer, verifiers, ...rest } = resolve();
    expect(rest).to.deep.equal({
      every: 1000,
      milliseconds: 10_000,
      anchors: [],
      witnesses: undefined,
      timestamps: undefined,
    });
    expect(verifiers).to.deep.equal([signer]);
    expect(signer.vkey).to.equal(key.vkey);
  });

  it('are taken as they are given', () => {
    const older = newKey(ORIGIN);
    const anchor = () => undefined;
    const { every, milliseconds, verifiers, anchors } = resolve({
      checkpointEvery: 1,
      checkpointSeconds: 1,
      previousKeys: [older.vkey],
      anchor,
    });
    expect([every, milliseconds, anchors]).to.deep.equal([1, 1000, [anchor]]);
    expect(verifiers.map(({ keyId }) => keyId)).to.deep.equal([key.verifier.keyId, older.verifier.keyId]);
    expect(resolve({ checkpointSeconds: 2_147_483 }).milliseconds).to.be.below(2 ** 31);
  });

  it('take an anchor as a path or a function, one or several', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'anchor');
    const callback = () => undefined;
    expect(resolve({ anchor: [] }).anchors).to.deep.equal([]);
    const [first, second, ...more] = resolve({ anchor: [callback, path] }).anchors;
    expect([first, more]).to.deep.equal([callback, []]);
    for (const file of [second, resolve({ anchor: path }).anchors[0]])
      await file?.({ origin: ORIGIN, size: 0, root: EMPTY_ROOT, note: 'note\n' });
    expect(readFileSync(path, 'utf8')).to.equal('note\nnote\n');
    folder.remove();
  });

  it('are refused by the name of the one that cannot work', () => {
    for (const value of [0, -1, 1.5, '5', NaN, null]) refused({ checkpointEvery: value }, '.checkpointEvery');
    for (const value of [0, 2_147_484, 0.5, '5']) refused({ checkpointSeconds: value }, '.checkpointSeconds');
    for (const value of [5, '', [''], [5], null, {}]) refused({ anchor: value }, '.anchor');
    for (const value of ['', {}, null, ['forged'], [newKey('other').vkey]])
      refused({ previousKeys: value }, '.previousKeys');
    for (const value of [[5], ['']]) refused({ previousKeys: value }, '.previousKeys[0]');
    for (const value of [undefined, null, 5, '', 'a b']) refused({ origin: value }, '.origin');
    for (const value of [undefined, null, 5, '', 'none']) refused({ key: value }, '.key');
    refused({ checkpointevery: 5 }, '.checkpointevery');
  });

  it('are called integrity where nothing else is said', () => {
    expect(() => resolve({ checkpointEvery: 0 }))
      .to.throw(ConfigError)
      .and.include({
        option: 'integrity.checkpointEvery',
      });
  });
});

describe('integrity: keys that are refused', () => {
  const attempt = (value: unknown) => () => resolveSigner('integrity', ORIGIN, value as IntegrityKey);
  const { publicKey, privateKey } = key;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const sign = () => Buffer.alloc(64);
  const pemOf = (part: typeof rsa.privateKey) => part.export({ type: 'pkcs8', format: 'pem' }).toString();

  for (const [what, value, option] of [
    ['nothing', null, ''],
    ['a number', 7, ''],
    ['an empty path', '', ''],
    ['an empty PEM', { pem: '' }, '.pem'],
    ['a PEM that is no text', { pem: 7 }, '.pem'],
    ['the PEM of a public key', { pem: publicKey.export({ type: 'spki', format: 'pem' }) }, '.pem'],
    ['the PEM of an RSA key', { pem: pemOf(rsa.privateKey) }, '.pem'],
    ['no option that is known', {}, '.pem'],
    ['an option too many beside pem', { pem: key.pem, path: 'x' }, '.path'],
    ['an option too many beside generate', { generate: 'x', mode: 0o600 }, '.mode'],
    ['an option too many beside sign', { publicKey, sign, pem: key.pem }, '.pem'],
    ['an empty path to generate', { generate: '' }, '.generate'],
    ['a sign that is no function', { publicKey, sign: 'x' }, '.sign'],
    ['no public key', { sign }, '.publicKey'],
    ['an RSA public key', { publicKey: rsa.publicKey, sign }, '.publicKey'],
    ['a private key for the public one', { publicKey: privateKey, sign }, '.publicKey'],
    ['a text that is no PEM', { publicKey: 'x', sign }, '.publicKey'],
  ] as const) {
    it(`are ${what}, by the name of the option`, () => {
      expect(attempt(value))
        .to.throw(ConfigError)
        .and.include({ option: `integrity.key${option}` });
    });
  }

  it('are files that are no key, by the option that named them', () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'key');
    writeFileSync(path, 'no key', { mode: 0o600 });
    expect(attempt(path)).to.throw(ConfigError).and.include({ option: 'integrity.key' });
    expect(attempt({ generate: path }))
      .to.throw(ConfigError)
      .and.include({ option: 'integrity.key.generate' });
    expect(readFileSync(path, 'utf8')).to.equal('no key');
    mkdirSync(join(folder.path, 'directory'), { mode: 0o700 });
    expect(attempt(join(folder.path, 'directory'))).to.throw();
    folder.remove();
  });

  it('are made in a folder of any depth', () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'a/b/c/key.pem');
    const made = generateKeyFile(path);
    expect(made.asymmetricKeyType).to.equal('ed25519');
    expect(readFileSync(path, 'utf8')).to.equal(made.export({ type: 'pkcs8', format: 'pem' }));
    folder.remove();
  });

  it('belong to an origin, which is given back', () => {
    expect(requireOrigin('--origin', ORIGIN)).to.equal(ORIGIN);
    for (const origin of ['', 'a+b', 7, undefined])
      expect(() => requireOrigin('--origin', origin))
        .to.throw(ConfigError)
        .and.include({ option: '--origin' });
  });
});
