import { createHash } from 'node:crypto';
import { deadlineSignal } from '../../internal/duration.js';
import { IntegrityError } from '../../errors.js';

/** A `fetch`, as Node has it. */
export type WitnessFetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a witness answered. */
export interface WitnessReply {
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
export async function askWitness(
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
