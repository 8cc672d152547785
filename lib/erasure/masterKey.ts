import { readFileSync } from 'node:fs';
import { ConfigError } from '../errors.js';
import { reject } from '../internal/validate.js';
import { KEY_BYTES } from './jwe.js';
import { codeOf } from './keyFiles.js';

/**
 * The master keys that an option or a command line gives: bytes, or the path of a file that holds 32 bytes as they are, in hex or
 * in base64.
 *
 * @throws ConfigError when a file cannot be read or holds something else.
 */
export function masterKeysOf(option: string, given: unknown): Uint8Array[] {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  return all.map((each) => {
    if (each instanceof Uint8Array) return each;
    if (typeof each === 'string' && each !== '') return masterKeyIn(option, each);
    return reject(option, each, 'the path of a file, 32 bytes, or an array of these');
  });
}

function masterKeyIn(option: string, path: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new ConfigError(option, `cannot read ${path}: ${codeOf(cause) ?? 'unknown error'}`);
  }
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[\w+/-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  throw new ConfigError(option, `${path} does not hold 32 bytes, as they are, in hex or in base64`);
}
