import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
  KeyObject,
} from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ConfigError, IntegrityError } from '../../errors.js';
import { reject, requireKnownOptions, requireText } from '../../internal/options.js';
import { formatNote, formatVkey, isKeyName, keyId, type NoteVerifier } from '../tlog/note.js';

/** A private key must not have these bits: write access for the group, any access for all others. */
const TOO_WIDE = 0o027;

/** A key that never leaves a key management service or a hardware module. */
export interface RemoteKey {
  /** The Ed25519 public key: a `KeyObject`, or SPKI in PEM. */
  readonly publicKey: KeyObject | string;
  /** Signs exactly these bytes (Ed25519, RFC 8032, no pre-hash) and gives the 64 bytes of the signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/**
 * The key that signs checkpoints, always Ed25519:
 * - a path to a PKCS#8 PEM file, which only its owner (and a group, to read) may access;
 * - `{ pem }`, the same as text, for instance from a secret store;
 * - `{ generate }`, a path: the file is made with mode 0600 if it is not there yet;
 * - {@link RemoteKey}, a callback to a key management service.
 */
export type IntegrityKey = string | { readonly pem: string } | { readonly generate: string } | RemoteKey;

/** Signs notes as one log. */
export interface NoteSigner extends NoteVerifier {
  /** The verifier key that auditors need. */
  readonly vkey: string;
  /** The path of the key file, if it was made just now. */
  readonly generated?: string;
  /**
   * A secret of 32 bytes that follows from the private key and from the name (HKDF, RFC 5869); absent where the private key
   * is elsewhere.
   */
  deriveKey?(purpose: string): Uint8Array;
  /** The same key under another name. */
  as(name: string): NoteSigner;
  /**
   * Signs a text, and verifies the signature before returning it.
   *
   * @throws {IntegrityError} when what signed gave something else than a signature by this key.
   */
  sign(text: string): Promise<string>;
}

/**
 * The signer that options ask for.
 *
 * @param option What the options that hold origin and key are called in error texts.
 * @param origin The log's origin: the name of the key.
 * @throws {ConfigError} when the key cannot be used.
 */
export function resolveSigner(option: string, origin: string, key: IntegrityKey): NoteSigner {
  requireOrigin(`${option}.origin`, origin);
  const name = `${option}.key`;
  if (typeof key === 'string') return localSigner(origin, readKeyFile(name, requireText(name, key)));
  if (typeof key !== 'object' || key === null)
    reject(name, key, 'a path, { pem }, { generate } or { publicKey, sign }');
  if ('sign' in key) return remoteSigner(name, origin, key);
  if ('generate' in key) {
    requireKnownOptions(name, key, ['generate']);
    return generatingSigner(`${name}.generate`, origin, requireText(`${name}.generate`, key.generate));
  }
  requireKnownOptions(name, key, ['pem']);
  return localSigner(origin, parsePrivateKey(`${name}.pem`, requireText(`${name}.pem`, key.pem)));
}

/** A name that C2SP and Go's `note` package both take. */
export function requireOrigin(option: string, origin: unknown): string {
  if (typeof origin !== 'string' || !isKeyName(origin))
    reject(option, origin, 'a name such as "audit.example.com/agents": not empty, no spaces, no plus');
  return origin;
}

/** Makes a key file with mode 0600, never over one that is there. */
export function generateKeyFile(path: string): KeyObject {
  requireAbsent(path);
  const { privateKey } = generateKeyPairSync('ed25519');
  makeSecretFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return privateKey;
}

/**
 * Makes a file with mode 0600 that holds a secret, on the disk when this returns, and never over one that is there. It comes to its name
 * whole: others may read it at once.
 *
 * @throws an error with the code `EEXIST` when it is there.
 */
export function makeSecretFile(path: string, content: string | Buffer): void {
  requireAbsent(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    writeNew(temporary, content);
    linkSync(temporary, path);
  } catch (error) {
    if (!LINKLESS.has(String((error as NodeJS.ErrnoException).code))) throw error;
    writeNew(path, content);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function requireAbsent(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw Object.assign(new Error('EEXIST: the key file is there'), {
      code: 'EEXIST',
      syscall: 'open',
      path,
    });
}

/** What file systems without hard links answer. */
const LINKLESS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

function writeNew(path: string, content: string | Buffer): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, content);
    // A key whose signatures survive a power cut has to survive it too.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function generatingSigner(option: string, origin: string, path: string): NoteSigner {
  const { privateKey, generated } = readOrGenerateKey(option, path);
  return { ...localSigner(origin, privateKey), ...(generated && { generated: path }) };
}

/**
 * The key of a file, which is made with mode 0600 if it is not there yet.
 *
 * @param option What the path is called in error texts.
 * @throws {ConfigError} when it cannot be made or read, or others may access it.
 */
export function readOrGenerateKey(
  option: string,
  path: string,
): { readonly privateKey: KeyObject; readonly generated: boolean } {
  try {
    return { privateKey: generateKeyFile(path), generated: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return { privateKey: readKeyFile(option, path), generated: false };
    throw new ConfigError(
      option,
      `the key file cannot be made (${String((error as NodeJS.ErrnoException).code)})`,
    );
  }
}

function readKeyFile(option: string, path: string): KeyObject {
  return parsePrivateKey(option, readSecretFile(option, path));
}

/**
 * Reads a file that holds a secret.
 *
 * @param option What the path is called in error texts.
 * @throws {ConfigError} when it cannot be read, or others may access it.
 */
export function readSecretFile(option: string, path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new ConfigError(option, `the key file cannot be read (${code})`);
  }
  try {
    const stats = fstatSync(file);
    // Windows has no such bits and shows 0666 for every file.
    if (process.platform !== 'win32' && (stats.mode & TOO_WIDE) !== 0)
      throw new ConfigError(option, 'others may access the key file; give it mode 0600 (0640 at most)');
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      option,
      `the key file cannot be read (${String((error as NodeJS.ErrnoException).code)})`,
    );
  } finally {
    closeSync(file);
  }
}

function parsePrivateKey(option: string, pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // OpenSSL's reason does not help, and could show parts of the file.
    throw new ConfigError(option, 'not a private key in PKCS#8 PEM without a passphrase');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new ConfigError(option, `got a key of type ${String(key.asymmetricKeyType)}, expected ed25519`);
  return key;
}

function localSigner(origin: string, privateKey: KeyObject): NoteSigner {
  return signer(origin, createPublicKey(privateKey), (bytes) => sign(null, bytes, privateKey), privateKey);
}

function remoteSigner(option: string, origin: string, key: RemoteKey): NoteSigner {
  requireKnownOptions(option, key, ['publicKey', 'sign']);
  if (typeof key.sign !== 'function') reject(`${option}.sign`, key.sign, 'a function');
  const accepted = 'an Ed25519 public key: a KeyObject, or SPKI in PEM';
  let publicKey: KeyObject;
  try {
    publicKey = key.publicKey instanceof KeyObject ? key.publicKey : createPublicKey(key.publicKey);
  } catch {
    reject(`${option}.publicKey`, key.publicKey, accepted);
  }
  if (publicKey.type !== 'public' || publicKey.asymmetricKeyType !== 'ed25519')
    reject(`${option}.publicKey`, key.publicKey, accepted);
  return signer(origin, publicKey, (bytes) => key.sign(bytes));
}

function signer(
  name: string,
  publicKey: KeyObject,
  signBytes: RemoteKey['sign'],
  privateKey?: KeyObject,
): NoteSigner {
  const id = keyId(name, publicKey);
  return {
    name,
    keyId: id,
    publicKey,
    vkey: formatVkey(name, publicKey),
    ...(privateKey && { deriveKey: (purpose: string) => derive(privateKey, name, purpose) }),
    as: (other) => signer(other, publicKey, signBytes, privateKey),
    async sign(text) {
      const bytes = Buffer.from(text);
      const signature = Buffer.from(await signBytes(bytes));
      if (!verify(null, bytes, publicKey, signature))
        throw new IntegrityError(`what signs for ${name} gave no signature by the key of ${name}`);
      return formatNote({ text, signatures: [{ name, keyId: id, signature }] });
    },
  };
}

function derive(privateKey: KeyObject, name: string, purpose: string): Uint8Array {
  const seed = Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url');
  return new Uint8Array(hkdfSync('sha256', seed, '', `otel-mcp-log ${purpose}\n${name}`, 32));
}
