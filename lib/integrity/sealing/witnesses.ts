import { IntegrityError } from '../../errors.js';
import { AnchorQueue } from './anchors.js';
import { type Checkpoint, cosignaturesOf } from '../tlog/checkpoint.js';
import { hashFromBase64, hashToBase64, CompactRange } from '../tlog/merkle.js';
import { readIfThere, replaceFile, type IntegrityLayout } from '../storage/files.js';
import { readLeaves } from '../storage/leafFile.js';
import { formatVkey, parseNote, type NoteSignature } from '../tlog/note.js';
import { formatConsistencyProof } from '../tlog/tlogProof.js';
import { proveExtension, type TreeState } from '../tlog/proof.js';
import { reachable, type ReachableWitness, type WitnessPolicy } from '../tlog/policy.js';
import { createHash } from 'node:crypto';
import { deadlineSignal } from '../../internal/duration.js';

/** How a log and its witnesses hear of each other. */
export interface WitnessesParts {
  readonly policy: WitnessPolicy;
  readonly fetch: WitnessFetch;
  readonly layout: IntegrityLayout;
  /** Keeps cosignatures that came for a checkpoint. */
  readonly onCosigned: (checkpoint: Checkpoint, signatures: readonly NoteSignature[]) => Promise<void>;
  /** An attempt failed; another will follow. */
  readonly onError: (error: Error) => void;
}

/**
 * Sends the checkpoints of one log to its witnesses (c2sp.org/tlog-witness), the newest only, and never makes the log wait.
 * What a witness cosigned last is remembered with its tree, so that the next proof costs as much as what was added.
 */
export class Witnesses {
  readonly #parts: WitnessesParts;
  readonly #queues: readonly AnchorQueue[];
  /** The trees of the checkpoints that are on their way. */
  readonly #trees = new WeakMap<Checkpoint, TreeState>();
  /** What each witness cosigned last, by its verifier key. */
  readonly #cosigned: Map<string, TreeState>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(parts: WitnessesParts, cosigned: Map<string, TreeState>) {
    this.#parts = parts;
    this.#cosigned = cosigned;
    this.#queues = reachable(parts.policy).map((witness) => {
      const events = {
        onAnchored: async () => undefined,
        onError: (cause: Error) =>
          parts.onError(
            new IntegrityError(`the witness ${witness.name} did not cosign (${reasonOf(cause)})`, { cause }),
          ),
      };
      return new AnchorQueue((checkpoint) => this.#submit(witness, checkpoint), events);
    });
  }

  /** Reads what each witness cosigned last; without it, that is asked for. */
  static async open(parts: WitnessesParts): Promise<Witnesses> {
    return new Witnesses(parts, parseTrees((await readIfThere(parts.layout.witnesses)) ?? ''));
  }

  /** A newer checkpoint, and the tree that it is of. Its leaves are in their file already. */
  offer(checkpoint: Checkpoint, tree: TreeState): void {
    // An empty log has nothing that a witness could vouch for.
    if (checkpoint.size === 0) return;
    this.#trees.set(checkpoint, tree);
    for (const queue of this.#queues) queue.offer(checkpoint);
  }

  /** Waits for the attempts under way, and makes a last one for what is outstanding. */
  async flush(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.flush()));
    await this.#saving;
  }

  async #submit(witness: ReachableWitness, checkpoint: Checkpoint): Promise<void> {
    // After a restart, the newest checkpoint may be cosigned already.
    if (cosignaturesOf(checkpoint.note, [witness.verifier]).length > 0) return;
    const key = formatVkey(witness.verifier.name, witness.verifier.publicKey, 'cosignature');
    let older = this.#cosigned.get(key) ?? EMPTY;
    if (older.size > checkpoint.size) older = EMPTY;
    let reply = await this.#post(witness, older, checkpoint);
    // Another process, or an answer that never arrived: the witness knows best what it cosigned last. And where a proof
    // does not verify, what was remembered is held against the leaves before the log is.
    if (reply.status === 409 || (reply.status === 422 && older.size > 0)) {
      const size = reply.status === 409 ? sizeIn(reply.body) : older.size;
      older = await this.#treeAt(size, checkpoint);
      reply = await this.#post(witness, older, checkpoint);
    }
    if (reply.status !== 200) throw refused(reply.status);
    const signatures = signaturesIn(reply.body, checkpoint, witness);
    const tree = this.#trees.get(checkpoint);
    if (tree !== undefined) this.#remember(key, tree);
    await this.#parts.onCosigned(checkpoint, signatures);
  }

  async #post({ url }: ReachableWitness, older: TreeState, { size, note }: Checkpoint) {
    const { fetch, layout } = this.#parts;
    const added = readLeaves(layout.leaves, size - older.size, older.size);
    const hashes = await proveExtension(older, size, added);
    const body = formatConsistencyProof({ older: older.size, hashes, checkpoint: note });
    return askWitness(fetch, url, 'add-checkpoint', body);
  }

  /** The tree at a size that only the witness remembers: every leaf hash up to there is read once. */
  async #treeAt(size: number, checkpoint: Checkpoint): Promise<TreeState> {
    if (size > checkpoint.size)
      throw new IntegrityError(
        `it has cosigned ${size} records, and the log has ${checkpoint.size}: the log was cut off or rolled back, or another log has its name and key`,
      );
    const tree = new CompactRange();
    for await (const batch of readLeaves(this.#parts.layout.leaves, size))
      for (const leaf of batch) tree.append(leaf);
    return { size: tree.size, subtrees: [...tree.subtrees] };
  }

  #remember(key: string, tree: TreeState): void {
    this.#cosigned.set(key, tree);
    const { layout, onError } = this.#parts;
    // It may be lost: then the witness is asked.
    this.#saving = this.#saving
      .then(() => replaceFile(layout.witnesses, formatTrees(this.#cosigned), false))
      .catch(onError);
  }
}

const EMPTY: TreeState = { size: 0, subtrees: [] };

function sizeIn(body: string): number {
  const size = /^(0|[1-9]\d{0,15})\n$/.test(body) ? Number(body) : NaN;
  if (!Number.isSafeInteger(size)) throw new IntegrityError('status 409 without a size');
  return size;
}

function refused(status: number): IntegrityError {
  const meaning: Readonly<Record<number, string>> = {
    403: 'status 403: it knows another key for this log',
    404: 'status 404: it does not know this log',
    409: 'status 409: somebody else sends checkpoints of this log at the same time',
    422: 'status 422: the log does not extend what it has cosigned',
  };
  return new IntegrityError(meaning[status] ?? `status ${status}`);
}

/** The cosignatures of this witness in its answer. Lines of other keys are passed over, as the protocol asks. */
function signaturesIn(body: string, { note }: Checkpoint, { verifier }: ReachableWitness): NoteSignature[] {
  const { text } = parseNote(note);
  const answer = `${text}\n${body}`;
  if (cosignaturesOf(answer, [verifier]).length === 0)
    throw new IntegrityError('its answer holds no cosignature by its key');
  return parseNote(answer).signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
  );
}

function formatTrees(trees: ReadonlyMap<string, TreeState>): string {
  const entries = [...trees].map(([vkey, { size, subtrees }]) => ({
    vkey,
    size,
    subtrees: subtrees.map(hashToBase64),
  }));
  return `${JSON.stringify({ version: 1, witnesses: entries }, undefined, 1)}\n`;
}

/** None of what is damaged: it can be asked for again. */
function parseTrees(text: string): Map<string, TreeState> {
  const trees = new Map<string, TreeState>();
  try {
    const { witnesses } = JSON.parse(text) as {
      witnesses: { vkey: string; size: number; subtrees: string[] }[];
    };
    for (const { vkey, size, subtrees } of witnesses) {
      const hashes = subtrees.map((text64) => hashFromBase64(text64) ?? '');
      if (!hashes.includes('') && CompactRange.restore(size, hashes) !== undefined)
        trees.set(vkey, { size, subtrees: hashes });
    }
  } catch {
    return trees;
  }
  return trees;
}

function reasonOf(error: Error): string {
  return error instanceof IntegrityError ? error.message : error.name;
}

/** A `fetch`, as Node has it. */
export type WitnessFetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a witness answered. */
interface WitnessReply {
  readonly status: number;
  readonly body: string;
}

/** A witness that takes longer than this has failed, for now. */
const TIMEOUT_MS = 10_000;
/** Cosignature lines have some 200 bytes each; a checkpoint with all its signatures is hardly longer. */
const MAX_ANSWER_BYTES = 1 << 16;

/**
 * Asks a witness. Redirects are not followed.
 *
 * @param path What follows the URL prefix of the witness.
 * @param body What is posted; nothing for a GET.
 * @throws {IntegrityError} when no answer comes, or too long a one.
 */
async function askWitness(
  fetch: WitnessFetch,
  prefix: string,
  path: string,
  body?: string,
): Promise<WitnessReply> {
  const url = `${prefix.replace(/\/+$/, '')}/${path}`;
  const init: RequestInit = {
    redirect: 'manual',
    signal: deadlineSignal(TIMEOUT_MS),
    ...(body !== undefined && { method: 'POST', body, headers: { 'content-type': 'text/plain' } }),
  };
  let response: Response;
  try {
    response = await fetch(url, init);
    return { status: response.status, body: await readAll(response) };
  } catch (cause) {
    if (cause instanceof IntegrityError) throw cause;
    // The texts of such errors may quote the address, and an address may hold a secret.
    throw new IntegrityError('the witness gave no answer', { cause });
  }
}

/**
 * The newest checkpoint that a witness cosigned of a log (c2sp.org/tlog-witness, monitoring).
 *
 * @returns nothing where it has none, or does not say.
 * @throws {IntegrityError} when no answer comes.
 */
export async function latestOfWitness(
  fetch: WitnessFetch,
  prefix: string,
  origin: string,
): Promise<string | undefined> {
  const path = `${createHash('sha256').update(origin).digest('hex')}/checkpoint`;
  const { status, body } = await askWitness(fetch, prefix, path);
  return status === 200 ? body : undefined;
}

async function readAll(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new IntegrityError('the answer of the witness is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
