import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.js';
import { DataKey, decrypt, headerOf, KEY_BYTES, thumbprint } from './jwe.js';
import {
  codeOf,
  failed,
  overwriteAndRemove,
  putNew,
  readIfThere,
  replace,
  sweep,
  masterKeysOf,
} from './keyFiles.js';
import type { SubjectKey, SubjectKeys } from './subjectKeys.js';

const STORE_NAME = 'store.json';
const FORMAT = 'otel-mcp-log/keys/v1';
const KEY_END = '.key';
const ERASED_END = '.erased';
/** Ids of persons are bounded, so that a mistake of an application is not hashed by the megabyte. */
const LONGEST_SUBJECT = 4_096;
/** Of a digest of a person's id: 128 bits, in hex, since some file systems take upper and lower case for the same. */
const DIGEST_HEX = 32;
const KEY_ID = /^([0-9a-f]{32})\.([1-9]\d{0,8})$/;

/** Key ids from the point of view of a folder. */
export type KeyState = 'kept' | 'erased' | 'unknown';

/** What a folder says of a key that was destroyed. */
export interface Erasure {
  readonly key_id: string;
  /** When it was destroyed (RFC 3339). */
  readonly time: string;
  /** The record that tells of it; absent while that is not written. */
  readonly record_id?: string;
}

/** How a folder of keys is opened. */
export interface KeyFolderOptions {
  /**
   * The keys that files of the folder are encrypted with, 32 bytes each: the first encrypts new files, each decrypts. Without one,
   * files hold their keys in the clear.
   */
  readonly masterKeys?: readonly Uint8Array[];
  /** Whether a folder that does not exist is made. */
  readonly create?: boolean;
}

/**
 * Keys of persons in a folder: one file of mode 0600 for each key, a JWK (RFC 7517) or, where there is a master key, the JWE of
 * one. A key that was destroyed leaves a file that says so, and keeps it from being made anew. Any number of processes of one
 * machine may use a folder at once.
 */
export class KeyFolder implements SubjectKeys {
  readonly path: string;
  readonly #masterKeys: ReadonlyMap<string, Uint8Array>;
  readonly #master: Uint8Array | undefined;
  /** The key of the digests that stand for persons' ids. */
  readonly #secret: Uint8Array;

  /** @throws ConfigError when the folder or a key cannot be used. */
  constructor(path: string, { masterKeys = [], create = false }: KeyFolderOptions = {}) {
    this.path = path;
    for (const key of masterKeys)
      if (key.length !== KEY_BYTES)
        throw new ConfigError('erasure.masterKey', `has ${key.length} bytes, expected ${KEY_BYTES}`);
    this.#masterKeys = new Map(masterKeys.map((key) => [thumbprint(key), key]));
    this.#master = masterKeys[0];
    requireFolder(path, create);
    this.#secret = this.#openStore(create);
  }

  pseudonym(subject: string): string {
    return `subject/${this.#digest(subject)}`;
  }

  keyFor(subject: string): SubjectKey | 'erased' {
    const digest = this.#digest(subject);
    const newest = this.#newest(digest);
    if (newest === undefined) return this.#make(`${digest}.1`);
    return this.#read(newest) ?? 'erased';
  }

  isKept(keyId: string): boolean {
    return this.stateOf(keyId) === 'kept';
  }

  /** What became of a key. Of one that is being destroyed, the file may still be there: it counts as destroyed. */
  stateOf(keyId: string): KeyState {
    if (!KEY_ID.test(keyId)) return 'unknown';
    if (existsSync(this.#at(keyId, ERASED_END))) return 'erased';
    return existsSync(this.#at(keyId, KEY_END)) ? 'kept' : 'unknown';
  }

  /**
   * A key by its id; nothing where it was destroyed, or was never here.
   *
   * @throws AuditError when its file cannot be read.
   */
  find(keyId: string): Uint8Array | undefined {
    return KEY_ID.test(keyId) ? this.#read(keyId)?.key : undefined;
  }

  /** The id of a person's newest key, destroyed or not; nothing where there never was one. */
  idOf(subject: string): string | undefined {
    return this.#newest(this.#digest(subject));
  }

  /** When a key was destroyed; nothing where it was not. */
  erasureOf(keyId: string): Erasure | undefined {
    if (!KEY_ID.test(keyId)) return undefined;
    const text = readIfThere(this.#at(keyId, ERASED_END));
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as Erasure;
    } catch (cause) {
      throw failed(`${this.#at(keyId, ERASED_END)} is damaged`, cause);
    }
  }

  /**
   * Destroys a key. First the folder notes that it is gone, so that no process makes or uses it again; then its file is overwritten
   * and removed. What a kill interrupts, the next call completes.
   *
   * @returns whether a key was there to be destroyed.
   */
  erase(keyId: string): boolean {
    if (!KEY_ID.test(keyId)) return false;
    const path = this.#at(keyId, KEY_END);
    const noted = existsSync(this.#at(keyId, ERASED_END));
    if (!noted && !existsSync(path)) return false;
    if (!noted)
      putNew(this.#at(keyId, ERASED_END), notice({ key_id: keyId, time: new Date().toISOString() }));
    sweep(this.path);
    return overwriteAndRemove(path) || !noted;
  }

  /** Notes which record tells of an erasure. */
  noteRecord(keyId: string, recordId: string): void {
    const erasure = this.erasureOf(keyId);
    if (erasure !== undefined)
      replace(this.#at(keyId, ERASED_END), notice({ ...erasure, record_id: recordId }));
  }

  /**
   * Makes a new key for a person whose key was destroyed, so that what is recorded from now on is kept again.
   *
   * @returns its id; nothing where the person's key was not destroyed.
   */
  readmit(subject: string): string | undefined {
    const id = this.idOf(subject);
    if (id === undefined || this.stateOf(id) !== 'erased') return undefined;
    const [, digest = '', number = '0'] = KEY_ID.exec(id) ?? [];
    const made = this.#make(`${digest}.${Number(number) + 1}`);
    return made === 'erased' ? undefined : made.id;
  }

  /** The ids of all keys that are here or were destroyed, each with its state, and whether its file is still there although it is destroyed. */
  *list(): Generator<{ readonly id: string; readonly state: KeyState; readonly unfinished: boolean }> {
    const names = new Set(readdirSync(this.path));
    for (const name of names) {
      const [isKey, isErased] = [name.endsWith(KEY_END), name.endsWith(ERASED_END)];
      const id = name.slice(0, name.lastIndexOf('.'));
      if (!KEY_ID.test(id) || (!isKey && !isErased)) continue;
      if (isErased) yield { id, state: 'erased', unfinished: names.has(id + KEY_END) };
      else if (!names.has(id + ERASED_END)) yield { id, state: 'kept', unfinished: false };
    }
  }

  /**
   * Encrypts every file with the first of the master keys. Files that are encrypted with it already stay as they are, so that a call
   * that was interrupted can be repeated.
   *
   * @returns how many files were written anew.
   */
  rewrap(): number {
    let written = 0;
    const renew = (path: string) => {
      const text = readIfThere(path);
      if (text === undefined || this.#isCurrent(text)) return;
      replace(path, this.#wrapped(this.#unwrapped(text, path)));
      written++;
    };
    renew(join(this.path, STORE_NAME));
    for (const { id, state } of this.list()) {
      if (state !== 'kept') continue;
      renew(this.#at(id, KEY_END));
      // It may have been destroyed between the reading and the writing of its file.
      if (this.stateOf(id) === 'erased') overwriteAndRemove(this.#at(id, KEY_END));
    }
    return written;
  }

  /** Whether a file is as it would be written now. */
  #isCurrent(text: string): boolean {
    if (text.startsWith('{')) return this.#master === undefined;
    return this.#master !== undefined && headerOf(text.trim()).kid === thumbprint(this.#master);
  }

  #digest(subject: string): string {
    if (subject === '' || subject.length > LONGEST_SUBJECT)
      throw failed(`the id of a person must have 1 to ${LONGEST_SUBJECT} characters`);
    return createHmac('sha256', this.#secret).update(subject, 'utf8').digest('hex').slice(0, DIGEST_HEX);
  }

  /** The newest key of a digest: the last in the row. Keys after the first are made by {@link readmit} alone. */
  #newest(digest: string): string | undefined {
    let newest: string | undefined;
    for (let number = 1; ; number++) {
      const id = `${digest}.${number}`;
      const state = this.stateOf(id);
      if (state === 'unknown') return newest;
      newest = id;
      if (state === 'kept') return newest;
    }
  }

  #at(keyId: string, end: string): string {
    return join(this.path, keyId + end);
  }

  #make(id: string): SubjectKey | 'erased' {
    const key = randomBytes(KEY_BYTES);
    const jwk = { kty: 'oct', alg: 'A256GCMKW', kid: id, k: key.toString('base64url') };
    // Where another process was first, its key counts.
    if (putNew(this.#at(id, KEY_END), this.#wrapped(JSON.stringify(jwk)))) return { id, key };
    return this.#read(id) ?? 'erased';
  }

  /** A key from its file; nothing where it is destroyed. */
  #read(id: string): SubjectKey | undefined {
    const path = this.#at(id, KEY_END);
    const text = readIfThere(path);
    // Asked after the file was read: one that is being overwritten is then known to be destroyed.
    if (text === undefined || existsSync(this.#at(id, ERASED_END))) return undefined;
    const key = keyIn(this.#unwrapped(text, path), id);
    if (key === undefined) throw failed(`${path} holds no key of that id`);
    return { id, key };
  }

  #openStore(create: boolean): Uint8Array {
    const path = join(this.path, STORE_NAME);
    let text = readIfThere(path);
    if (text === undefined && create) {
      const secret = randomBytes(KEY_BYTES).toString('base64url');
      putNew(path, this.#wrapped(JSON.stringify({ format: FORMAT, secret })));
      text = readIfThere(path);
    }
    if (text === undefined)
      throw new ConfigError(
        'erasure.keys',
        `${this.path} is no folder of keys: there is no ${STORE_NAME} in it`,
      );
    const store = parsed(this.#unwrapped(text, path));
    const secret = store['format'] === FORMAT && typeof store['secret'] === 'string' ? store['secret'] : '';
    const bytes = Buffer.from(secret, 'base64url');
    if (bytes.length !== KEY_BYTES) throw new ConfigError('erasure.keys', `${path} has an unknown form`);
    return bytes;
  }

  #wrapped(text: string): string {
    if (this.#master === undefined) return `${text}\n`;
    return `${new DataKey(thumbprint(this.#master), this.#master, 'cty').encrypt('jwk+json', text)}\n`;
  }

  #unwrapped(text: string, path: string): string {
    const content = text.trim();
    if (content.startsWith('{')) return content;
    try {
      const master = this.#masterKeys.get(headerOf(content).kid ?? '');
      if (master !== undefined) return decrypt(content, master);
    } catch (cause) {
      throw failed(`${path} is damaged`, cause);
    }
    throw new ConfigError('erasure.masterKey', `${path} is encrypted with a master key that was not given`);
  }
}

function notice(erasure: Erasure): string {
  return `${JSON.stringify(erasure)}\n`;
}

function keyIn(text: string, id: string): Uint8Array | undefined {
  const { kty, kid, k } = parsed(text);
  const key = kty === 'oct' && kid === id && typeof k === 'string' ? Buffer.from(k, 'base64url') : undefined;
  return key?.length === KEY_BYTES ? key : undefined;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // An empty object says it.
  }
  return {};
}

function requireFolder(path: string, create: boolean): void {
  try {
    if (create) mkdirSync(path, { recursive: true, mode: 0o700 });
    const stats = statSync(path);
    if (!stats.isDirectory()) throw new ConfigError('erasure.keys', `${path} is no folder`);
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
      throw new ConfigError('erasure.keys', `${path} is open to other accounts: chmod 700 it`);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError('erasure.keys', `cannot use ${path}: ${codeOf(cause) ?? 'unknown error'}`);
  }
}

/**
 * Opens a folder of keys of persons, and makes it where it does not exist: for the option `erasure`, as the folder's path does, and for
 * programs of yours that look keys up.
 *
 * @param masterKey 32 bytes, or the path of a file that holds them, which encrypt the files of the folder. Of several, the first
 * encrypts, and each decrypts, so that one can follow another.
 * @throws ConfigError when the folder or a key cannot be used.
 *
 * @example
 * ```ts
 * const masterKey = await decryptWithYourKms(readFileSync('master.encrypted'));
 * const keys = openSubjectKeys('/var/lib/app/keys', masterKey);
 * new AuditSpanProcessor({ environment: 'production', sink, erasure: { keys } });
 * ```
 */
export function openSubjectKeys(
  folder: string,
  masterKey?: string | Uint8Array | readonly (string | Uint8Array)[],
): SubjectKeys {
  const masterKeys = masterKey === undefined ? [] : masterKeysOf('masterKey', masterKey);
  return new KeyFolder(folder, { masterKeys, create: true });
}
