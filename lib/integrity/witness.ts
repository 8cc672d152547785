import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { ConfigError, IntegrityError } from '../errors.js';
import { parseCheckpoint, parseTreeHead, type TreeHead, cosign } from './tlog/checkpoint.js';
import { EMPTY_ROOT } from './tlog/merkle.js';
import { formatNote, formatVkey, parseNote, verifyNote, type Note, type NoteVerifier } from './tlog/note.js';
import { verifyConsistency } from './tlog/proof.js';
import { makeFolder, readIfThere, replaceFile } from './storage/files.js';
import { parseConsistencyProof, type ConsistencyProof } from './tlog/tlogProof.js';

/** What a witness is made of. */
export interface WitnessOptions {
  /** Its name: a schema-less URL by custom, e.g. `security.example.com/witness`. */
  readonly name: string;
  /** Its Ed25519 private key, used for nothing else: the signed message does not name the witness. */
  readonly privateKey: KeyObject;
  /** The keys of the logs that it knows; several of one origin while a key is changed. */
  readonly logs: readonly NoteVerifier[];
  /** The folder with the newest checkpoint of each log. The witness has to be its only writer. */
  readonly folder: string;
  /** The time in seconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
}

/** What a request is answered with. */
export interface WitnessAnswer {
  /** The HTTP status. */
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  /** The media type of the body. */
  readonly type: string;
  /** What is sent: cosignature lines, the size that the witness knows, or a sentence. */
  readonly body: string;
}

/**
 * A witness of logs (c2sp.org/tlog-witness), without its HTTP server: it cosigns a checkpoint only if that extends all it has
 * cosigned of the log before, and saves the checkpoint before it returns the cosignature.
 *
 * @example
 * ```ts
 * const witness = await Witness.open({ name: 'security.example.com/witness', privateKey, logs, folder });
 * const { status, body } = await witness.addCheckpoint(request);
 * ```
 */
export class Witness {
  /** The verifier key (type 0x04) that logs and auditors need. */
  readonly vkey: string;
  readonly #options: WitnessOptions;
  readonly #publicKey: KeyObject;
  /** The requests of one log follow each other: a check and what is written after it are one step. */
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(options: WitnessOptions) {
    this.#options = options;
    this.#publicKey = createPublicKey(options.privateKey);
    this.vkey = formatVkey(options.name, this.#publicKey, 'cosignature');
  }

  /**
   * Opens the folder, and makes it if it is missing.
   *
   * @throws {ConfigError} for a key that a log signs with, too.
   * @throws {IntegrityError} when what it knows of a log cannot be read: to start from nothing would be to forget it.
   */
  static async open(options: WitnessOptions): Promise<Witness> {
    const witness = new Witness(options);
    const own = String(witness.#publicKey.export({ format: 'jwk' }).x);
    if (options.logs.some(({ publicKey }) => String(publicKey.export({ format: 'jwk' }).x) === own))
      throw new ConfigError('witness.key', 'is the key of a log; a witness needs a key of its own');
    await makeFolder(options.folder);
    for (const { name } of options.logs) await witness.#latest(name);
    return witness;
  }

  /**
   * Answers an `add-checkpoint` request.
   *
   * @throws what reading or writing the folder throws; nothing was cosigned then.
   */
  async addCheckpoint(body: string): Promise<WitnessAnswer> {
    let request: ConsistencyProof;
    let note: Note;
    try {
      request = parseConsistencyProof(body);
      note = parseNote(request.checkpoint);
    } catch (error) {
      return refusal(400, error);
    }
    const origin = note.text.slice(0, note.text.indexOf('\n'));
    const verifiers = this.#options.logs.filter(({ name }) => name === origin);
    if (verifiers.length === 0) return refusal(404, 'unknown log');
    let head: TreeHead;
    try {
      verifyNote(request.checkpoint, verifiers);
    } catch (error) {
      return refusal(403, error);
    }
    try {
      head = parseTreeHead(note.text);
    } catch (error) {
      return refusal(400, error);
    }
    if (request.older > head.size) return refusal(400, 'the old size is larger than the checkpoint');
    return this.#inTurn(origin, () => this.#answer(request, note, head, verifiers));
  }

  /**
   * The newest checkpoint that was cosigned, with the signatures of its log and of this witness.
   *
   * @param originHash SHA-256 of the log's origin, in lowercase hex.
   * @returns nothing for a log that was never cosigned here.
   */
  async checkpoint(originHash: string): Promise<string | undefined> {
    const log = this.#options.logs.find(({ name }) => hashOf(name) === originHash);
    return log === undefined ? undefined : readIfThere(this.#pathOf(log.name));
  }

  async #answer(
    { older: claimed, hashes }: ConsistencyProof,
    { text, signatures }: Note,
    head: TreeHead,
    verifiers: readonly NoteVerifier[],
  ): Promise<WitnessAnswer> {
    const latest = await this.#latest(head.origin);
    const known = latest?.size ?? 0;
    if (claimed !== known) return { status: 409, type: 'text/x.tlog.size', body: `${known}\n` };
    if (head.size === 0 && head.root !== EMPTY_ROOT) return refusal(422, 'an empty tree has another root');
    // From nothing, any tree follows, and a proof would prove nothing.
    const older = { size: known, root: latest?.root ?? EMPTY_ROOT };
    if (!verifyConsistency({ older, newer: head }, hashes))
      return refusal(422, 'the consistency proof does not verify');
    const { name, privateKey, now = systemTime } = this.#options;
    const cosignature = cosign(text, name, privateKey, this.#publicKey, now());
    const own = signatures.filter((line) =>
      verifiers.some((verifier) => verifier.name === line.name && verifier.keyId === line.keyId),
    );
    await replaceFile(this.#pathOf(head.origin), formatNote({ text, signatures: [...own, cosignature] }));
    const body = formatNote({ text: '', signatures: [cosignature] }).slice(1);
    return { status: 200, type: 'text/plain; charset=utf-8', body };
  }

  async #latest(origin: string): Promise<TreeHead | undefined> {
    const path = this.#pathOf(origin);
    const note = await readIfThere(path);
    try {
      return note === undefined ? undefined : parseCheckpoint(note);
    } catch (cause) {
      throw new IntegrityError(`what the witness knows of ${origin} is damaged (${path})`, { cause });
    }
  }

  #pathOf(origin: string): string {
    return join(this.#options.folder, `${hashOf(origin)}.checkpoint`);
  }

  #inTurn<T>(origin: string, task: () => Promise<T>): Promise<T> {
    const done = (this.#queues.get(origin) ?? Promise.resolve()).then(task);
    this.#queues.set(
      origin,
      done.catch(() => undefined),
    );
    return done;
  }
}

function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex');
}

function systemTime(): number {
  return Math.floor(Date.now() / 1000);
}

function refusal(status: 400 | 403 | 404 | 422, reason: unknown): WitnessAnswer {
  const text = reason instanceof Error ? reason.message : String(reason);
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}
