import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { formatVkey, parseVkey, parseWitnessVkey, type NoteVerifier } from '../../lib/integrity/tlog/note.js';

/** A new key of its own, in every form that tests need. */
export function newKey(name: string): {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const vkey = formatVkey(name, publicKey);
  return { privateKey, publicKey, pem, vkey, verifier: parseVkey(vkey) };
}

/** A new key of a witness. */
export function newWitnessKey(name: string): {
  readonly privateKey: KeyObject;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const vkey = formatVkey(name, publicKey, 'cosignature');
  return { privateKey, vkey, verifier: parseWitnessVkey(vkey) };
}
