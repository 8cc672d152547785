// Reads and writes JWE by hand: what they hold is compared with other implementations, which know nothing of records.
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { calculateJwkThumbprint, CompactEncrypt, compactDecrypt } from 'jose';
import {
  DataKey,
  decrypt,
  headerOf,
  JweError,
  MOST_TEXTS_PER_DATA_KEY,
  thumbprint,
} from '../../lib/erasure/jwe.js';

/** https://github.com/C2SP/wycheproof, testvectors_v1/json_web_encryption_test.json, tests 73, 74 and 109. */
const WYCHEPROOF_KEY = '-iWJNYJ6ntoY6Uzmqe9hZGiYxVLQYBNQbnob1AbLh14';
const WYCHEPROOF = [
  'eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMjU2R0NNIiwiaXYiOiJramp0YnBWUm1JME1nbkRrIiwidGFnIjoiS3ZyTTM1STdhMXdzWUZpNEhrVkhNUSJ9.gy8f-5kFQC6D20onSU5BeaSYEFZ-yde-PCg4CCYYdR0.9zlxPVfbzTW-RDh5.0L7T.Q1HY-Rjg8IBaSm458LKOVQ',
  'eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMjU2R0NNIiwiaXYiOiJQRzNwRDZKYjRpaDNVTFpJIiwidGFnIjoieE5WQ0hwOGNsd2RyZ01ST1EtNmtwUSJ9.ySpcTlJpnZ5v5xydIGmh-sPAdw1fqBdtruVjHx94Rvo.0CdXuCuJ0UDNgay5.HJEu.2TsJCXnhka3ZcA65o3dZ-w',
];
const WYCHEPROOF_OTHER =
  'eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMTI4R0NNIiwiaXYiOiJ3bkY5aDJpNUx3T09rbTEtIiwidGFnIjoiaTZDR3BDVGUyb3Y3TTBHLVlCLV8xZyJ9.BYbBidbhz8cyVgTYq4NB2g.r0uj25GCcOkxmbLY.hFJI.fO5T4QcRJ7otfSx6sHlqMw';

const RECORD = '0198f3a2-7c1e-7d45-9b6a-3f0e2c1d4b5a';
const TEXTS = ['', '{}', '{"actor_id":"ann"}', 'über 100 €, 漢字, 😀', 'x'.repeat(70_000)];

/** The same JWE with one character of one of its parts exchanged for another of the alphabet. */
function changed(jwe: string, part: number): string {
  const parts = jwe.split('.');
  const text = parts[part]!;
  const at = Math.floor(text.length / 2);
  parts[part] = `${text.slice(0, at)}${text[at] === 'A' ? 'Q' : 'A'}${text.slice(at + 1)}`;
  return parts.join('.');
}

describe('JWE of personal values', () => {
  const key = randomBytes(32);

  it('are decrypted by jose, with the key and nothing else', async () => {
    const dataKey = new DataKey('kid-1', key);
    for (const text of TEXTS) {
      const { plaintext, protectedHeader } = await compactDecrypt(dataKey.encrypt(RECORD, text), key);
      expect(Buffer.from(plaintext).toString()).to.equal(text);
      expect(protectedHeader).to.include({
        alg: 'A256GCMKW',
        enc: 'A256GCM',
        kid: 'kid-1',
        record_id: RECORD,
      });
    }
  });

  it('of any length of key id have a header that other readers take', async () => {
    for (const kid of ['', 'a', 'ab', 'abc', 'abcd']) {
      const jwe = new DataKey(kid, key).encrypt(RECORD, 'text');
      expect(headerOf(jwe)).to.include({ kid, record_id: RECORD });
      expect(Buffer.from((await compactDecrypt(jwe, key)).plaintext).toString()).to.equal('text');
    }
  });

  it('that jose made are decrypted', async () => {
    for (const text of TEXTS) {
      const jwe = await new CompactEncrypt(Buffer.from(text))
        .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM', kid: 'other' })
        .encrypt(key);
      expect(decrypt(jwe, key)).to.equal(text);
    }
  });

  it('of the Wycheproof project are decrypted, and another cipher is refused', () => {
    const given = Buffer.from(WYCHEPROOF_KEY, 'base64url');
    for (const jwe of WYCHEPROOF) expect(decrypt(jwe, given)).to.equal('foo');
    expect(() => decrypt(WYCHEPROOF_OTHER, given)).to.throw(JweError, 'no JWE with A256GCMKW');
  });

  it('cannot be decrypted where any part was changed, or with another key', () => {
    const jwe = new DataKey('kid-1', key).encrypt(RECORD, 'a text that is long enough');
    for (const part of [0, 1, 2, 3, 4])
      expect(() => decrypt(changed(jwe, part), key), `part ${part}`).to.throw(JweError);
    expect(() => decrypt(jwe, randomBytes(32))).to.throw(JweError, 'not made with this key');
  });

  it('that are cut, or are none, give an error that quotes nothing', () => {
    const jwe = new DataKey('kid-1', key).encrypt(RECORD, 'secret text');
    for (const text of [
      '',
      '.',
      'null',
      'a.b.c.d.e',
      jwe.slice(0, -5),
      jwe.slice(0, 100),
      `${jwe}.x`,
      jwe.split('.').slice(0, 4).join('.'),
    ])
      expect(() => decrypt(text, key))
        .to.throw(JweError)
        .with.property('message')
        .that.does.not.include('secret');
  });

  it('never have the same nonce', () => {
    const dataKey = new DataKey('kid-1', key);
    const nonces = Array.from({ length: 5_000 }, () => dataKey.encrypt(RECORD, 'x').split('.')[2]!);
    expect(new Set(nonces).size).to.equal(nonces.length);
    expect(dataKey.isSpent).to.equal(false);
    expect(MOST_TEXTS_PER_DATA_KEY).to.be.at.most(2 ** 32);
  });

  it('name a key by its thumbprint as jose does (RFC 7638)', async () => {
    const jwk = { kty: 'oct', k: key.toString('base64url') };
    expect(thumbprint(key)).to.equal(await calculateJwkThumbprint(jwk));
  });
});
