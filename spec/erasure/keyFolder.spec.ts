import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { compactDecrypt, importJWK } from 'jose';
import { AuditError, ConfigError } from '../../lib/errors.js';
import { KeyFolder } from '../../lib/erasure/keyFolder.js';
import { masterKeysOf } from '../../lib/erasure/keyFiles.js';
import { bundled } from '../support/bundled.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('a folder of keys', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  let number = 0;
  const fresh = () => join(folder.path, String(number++));
  const made = (masterKeys: Uint8Array[] = []) => new KeyFolder(fresh(), { create: true, masterKeys });
  const live = (keys: KeyFolder, subject: string) => {
    const key = keys.keyFor(subject);
    if (key === 'erased') throw new Error('it is erased');
    return key;
  };

  it('gives a person the same key in every process, and another to each person', () => {
    const keys = made();
    const ann = live(keys, 'ann');
    expect(live(new KeyFolder(keys.path), 'ann')).to.deep.equal(ann);
    expect(live(keys, 'bob').key).not.to.deep.equal(ann.key);
    expect(ann.key).to.have.length(32);
    expect(keys.pseudonym('ann')).to.equal(`subject/${ann.id.slice(0, 32)}`);
  });

  it('is for its owner alone, and names no person', () => {
    const keys = made();
    live(keys, 'ann@example.com');
    expect(statSync(keys.path).mode & 0o777).to.equal(0o700);
    for (const name of readdirSync(keys.path)) {
      expect(statSync(join(keys.path, name)).mode & 0o777, name).to.equal(0o600);
      expect(name + readFileSync(join(keys.path, name), 'utf8')).not.to.include('ann');
    }
    // The same person has other ids elsewhere: who has only a log cannot try ids.
    expect(made().idOf('ann@example.com')).to.equal(undefined);
    expect(live(made(), 'ann@example.com').id).not.to.equal(live(keys, 'ann@example.com').id);
  });

  it('that others can open is refused', () => {
    const path = fresh();
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o750);
    expect(() => new KeyFolder(path, { create: true })).to.throw(ConfigError, 'chmod 700');
  });

  it('that is not there, is a file or holds something else is refused where none is to be made', () => {
    const path = fresh();
    expect(() => new KeyFolder(path)).to.throw(ConfigError, 'ENOENT');
    mkdirSync(path, { mode: 0o700 });
    expect(() => new KeyFolder(path)).to.throw(ConfigError, 'no folder of keys');
    writeFileSync(join(path, 'store.json'), '{"format":"other"}');
    expect(() => new KeyFolder(path)).to.throw(ConfigError, 'unknown form');
    expect(() => new KeyFolder(join(path, 'store.json'))).to.throw(ConfigError, 'no folder');
  });

  it('never makes the key of an erased person anew', () => {
    const keys = made();
    const { id } = live(keys, 'ann');
    const path = join(keys.path, `${id}.key`);
    expect(keys.erase(id)).to.equal(true);
    expect(existsSync(path)).to.equal(false);
    expect([keys.keyFor('ann'), new KeyFolder(keys.path).keyFor('ann')]).to.deep.equal(['erased', 'erased']);
    expect([keys.isKept(id), keys.find(id), keys.stateOf(id)]).to.deep.equal([false, undefined, 'erased']);
    expect(keys.erase(id)).to.equal(false);
    expect(keys.erasureOf(id)?.time).to.match(/^\d{4}-.*Z$/);
  });

  it('overwrites a key before it removes the file', () => {
    const keys = made();
    const { id, key } = live(keys, 'ann');
    // A second name of the same file shows what became of its bytes.
    const other = join(folder.path, `link-${number++}`);
    const path = join(keys.path, `${id}.key`);
    const before = readFileSync(path, 'utf8');
    expect(before).to.include(Buffer.from(key).toString('base64url'));
    linkSync(path, other);
    keys.erase(id);
    const left = readFileSync(other);
    expect(left.length).to.equal(before.length);
    expect(left.toString('latin1')).not.to.include(Buffer.from(key).toString('base64url'));
  });

  it('takes a person for erased once that is noted, and completes what was interrupted', () => {
    const keys = made();
    const { id } = live(keys, 'ann');
    // As a kill between the two steps leaves it.
    writeFileSync(
      join(keys.path, `${id}.erased`),
      `${JSON.stringify({ key_id: id, time: '2026-01-01T00:00:00.000Z' })}\n`,
    );
    expect(keys.keyFor('ann')).to.equal('erased');
    expect(keys.find(id)).to.equal(undefined);
    expect([...keys.list()]).to.deep.equal([{ id, state: 'erased', unfinished: true }]);
    expect(keys.erase(id)).to.equal(true);
    expect([...keys.list()]).to.deep.equal([{ id, state: 'erased', unfinished: false }]);
    expect(keys.erasureOf(id)?.time).to.equal('2026-01-01T00:00:00.000Z');
  });

  it('destroys what killed processes left half written', () => {
    const keys = made();
    const { id } = live(keys, 'ann');
    const left = ['old', 'young'].map((name) => join(keys.path, `.new-${name}`));
    for (const path of left) writeFileSync(path, 'a key');
    utimesSync(left[0]!, 0, 0);
    keys.erase(id);
    expect(left.map((path) => existsSync(path))).to.deep.equal([false, true]);
  });

  it('gives a person who comes back a key of another id, and only when asked to', () => {
    const keys = made();
    expect(keys.readmit('ann')).to.equal(undefined);
    const { id } = live(keys, 'ann');
    expect(keys.readmit('ann')).to.equal(undefined);
    keys.erase(id);
    const again = keys.readmit('ann');
    expect(live(keys, 'ann').id).to.equal(again);
    expect([id.endsWith('.1'), again?.endsWith('.2'), keys.stateOf(id)]).to.deep.equal([
      true,
      true,
      'erased',
    ]);
    keys.erase(again!);
    expect([keys.keyFor('ann'), keys.idOf('ann')]).to.deep.equal(['erased', again]);
  });

  it('refuses ids that no person has', () => {
    const keys = made();
    for (const subject of ['', 'x'.repeat(5_000)]) expect(() => keys.keyFor(subject)).to.throw(AuditError);
    for (const id of ['', '../store.json', '../../etc/passwd', 'a'.repeat(32), `${'a'.repeat(32)}.0`])
      expect([keys.stateOf(id), keys.find(id), keys.erase(id)], id).to.deep.equal([
        'unknown',
        undefined,
        false,
      ]);
  });

  it('says which file is damaged', () => {
    const keys = made();
    const { id } = live(keys, 'ann');
    writeFileSync(join(keys.path, `${id}.key`), '{"kty":"oct"}');
    expect(() => keys.find(id)).to.throw(AuditError, `${id}.key holds no key`);
    expect(() => keys.keyFor('ann')).to.throw(AuditError, `${id}.key holds no key`);
  });

  describe('with a master key', () => {
    const [first, second] = [randomBytes(32), randomBytes(32)];

    it('holds no key in the clear, in files that other programs can decrypt (RFC 7517, 7)', async () => {
      const keys = made([first]);
      const { id, key } = live(keys, 'ann');
      for (const name of readdirSync(keys.path)) {
        const text = readFileSync(join(keys.path, name), 'utf8');
        expect(text).not.to.include(Buffer.from(key).toString('base64url'));
        const { plaintext, protectedHeader } = await compactDecrypt(text.trim(), first);
        expect(protectedHeader).to.include({ cty: 'jwk+json' });
        if (!name.startsWith(id)) continue;
        const jwk = JSON.parse(Buffer.from(plaintext).toString()) as { kty: string; k: string };
        expect(await importJWK(jwk)).to.deep.equal(new Uint8Array(key));
      }
    });

    it('is opened with no other', () => {
      const keys = made([first]);
      for (const masterKeys of [[], [second]])
        expect(() => new KeyFolder(keys.path, { masterKeys })).to.throw(
          ConfigError,
          'master key that was not given',
        );
      expect(() => made([randomBytes(16)])).to.throw(ConfigError, '16 bytes, expected 32');
    });

    it('changes from one to another while processes that know both go on', () => {
      const keys = made([first]);
      const [ann, bob] = [live(keys, 'ann'), live(keys, 'bob')];
      keys.erase(bob.id);
      const both = new KeyFolder(keys.path, { masterKeys: [second, first] });
      // The store and one key: an erased person has none.
      expect(both.rewrap()).to.equal(2);
      expect(both.rewrap()).to.equal(0);
      expect(live(new KeyFolder(keys.path, { masterKeys: [second] }), 'ann')).to.deep.equal(ann);
      expect(new KeyFolder(keys.path, { masterKeys: [second] }).keyFor('bob')).to.equal('erased');
      expect(() => new KeyFolder(keys.path, { masterKeys: [first] })).to.throw(ConfigError);
    });

    it('encrypts a folder that had none', () => {
      const keys = made();
      const ann = live(keys, 'ann');
      const wrapped = new KeyFolder(keys.path, { masterKeys: [first] });
      expect(live(wrapped, 'ann')).to.deep.equal(ann);
      expect(wrapped.rewrap()).to.equal(2);
      expect(() => new KeyFolder(keys.path)).to.throw(ConfigError);
    });

    it('comes from a file of 32 bytes, in hex or in base64, and from nothing else', () => {
      const path = fresh();
      for (const content of [
        first,
        first.toString('hex'),
        `${first.toString('base64')}\n`,
        first.toString('base64url'),
      ]) {
        writeFileSync(path, content);
        expect(masterKeysOf('masterKey', path)).to.deep.equal([first]);
      }
      writeFileSync(path, 'a secret that is no key');
      expect(() => masterKeysOf('masterKey', path))
        .to.throw(ConfigError, 'does not hold 32 bytes')
        .with.property('message')
        .that.does.not.include('secret');
      expect(() => masterKeysOf('masterKey', `${path}-none`)).to.throw(ConfigError, 'ENOENT');
      expect(() => masterKeysOf('masterKey', [first, 5])).to.throw(ConfigError, 'got number');
    });
  });

  it('is used by many processes at once: one key for each person, whole whenever it is read', async function () {
    this.timeout(60_000);
    const path = fresh();
    const program = bundled(new URL('../support/children/keyFolderUser.ts', import.meta.url));
    const runs = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Promise<string>((resolve, reject) => {
            const child = spawn(process.execPath, [program, path, '50'], {
              stdio: ['ignore', 'pipe', 'inherit'],
            });
            let out = '';
            child.stdout.on('data', (data: Buffer) => (out += data.toString()));
            child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit code ${code}`))));
          }),
      ),
    );
    expect(runs[0]!.split('\n')).to.have.length(51);
    expect(new Set(runs).size).to.equal(1);
    expect(readdirSync(path).filter((name) => name.startsWith('.new-'))).to.deep.equal([]);
  });
});
