import { join } from 'node:path';
import { deadlineSignal } from '../../internal/duration.js';
import { IntegrityError } from '../../errors.js';
import { AnchorQueue } from './anchors.js';
import { type Checkpoint } from '../tlog/checkpoint.js';
import { parseNote } from '../tlog/note.js';
import { makeFolder, replaceFile } from '../storage/files.js';
import { createHash, randomBytes } from 'node:crypto';

/** A `fetch`, as Node has it. */
export type TimestampFetch = (url: string, init: RequestInit) => Promise<Response>;

/** An authority that takes longer than this has failed, for now. */
const TIMEOUT_MS = 10_000;
/** A token with its certificates has 2 to 8 KiB. */
const MAX_REPLY_BYTES = 1 << 16;

/** Who stamps checkpoints, and how often. */
export interface TimestampParts {
  /** The address of a time-stamping authority that answers RFC 3161 over HTTP (section 3.4). */
  readonly url: string;
  readonly fetch: TimestampFetch;
  readonly milliseconds: number;
  /** Where tokens are kept, each named by the size of its checkpoint. */
  readonly folder: string;
  /** An attempt failed; another will follow. */
  readonly onError: (error: Error) => void;
}

/**
 * Has checkpoints stamped by an authority that knows the time (RFC 3161), which proves that the log was as it is before that
 * time. The newest checkpoint is stamped, no more often than asked for and once more at the end; the log never waits.
 */
export class Timestamps {
  readonly #parts: TimestampParts;
  readonly #queue: AnchorQueue;
  #newest: Checkpoint | undefined;
  #offered: Checkpoint | undefined;
  /** On the monotonic clock, so that a clock that steps neither floods the authority nor forgets it. */
  #last = -Infinity;

  constructor(parts: TimestampParts) {
    this.#parts = parts;
    this.#queue = new AnchorQueue((checkpoint) => this.#stamp(checkpoint), {
      onAnchored: async () => undefined,
      onError: (cause) => parts.onError(new IntegrityError(`no timestamp (${reasonOf(cause)})`, { cause })),
    });
  }

  /** A newer checkpoint. */
  offer(checkpoint: Checkpoint): void {
    if (checkpoint.size === 0) return;
    this.#newest = checkpoint;
    if (performance.now() - this.#last >= this.#parts.milliseconds) this.#send();
  }

  /** Stamps what is the newest, if that has not been done. */
  async flush(): Promise<void> {
    if (this.#newest !== this.#offered) this.#send();
    await this.#queue.flush();
  }

  #send(): void {
    if (this.#newest === undefined) return;
    this.#last = performance.now();
    this.#offered = this.#newest;
    this.#queue.offer(this.#newest);
  }

  async #stamp({ note, size }: Checkpoint): Promise<void> {
    // The text alone: cosignatures may join the note later.
    const request = timestampRequest(parseNote(note).text);
    const reply = await this.#ask(request.der);
    requireGranted(reply, request);
    await makeFolder(this.#parts.folder);
    await replaceFile(join(this.#parts.folder, `${size}.tsr`), reply);
  }

  async #ask(der: Buffer): Promise<Buffer> {
    const response = await this.#parts.fetch(this.#parts.url, {
      method: 'POST',
      body: Uint8Array.from(der),
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      redirect: 'manual',
      signal: deadlineSignal(TIMEOUT_MS),
    });
    if (response.status !== 200) throw new IntegrityError(`status ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) throw new IntegrityError('the answer is too long');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

/** The texts of other errors may quote the address, and an address may hold a secret. */
function reasonOf(error: Error): string {
  return error instanceof IntegrityError ? error.message : error.name;
}

/** A request for a timestamp, and what its answer must hold. */
export interface TimestampRequest {
  /** TimeStampReq in DER (RFC 3161 section 2.4.1). */
  readonly der: Buffer;
  /** SHA-256 of what is to be stamped. */
  readonly digest: Buffer;
  /** 8 bytes that no other request has. */
  readonly nonce: Buffer;
}

/** AlgorithmIdentifier of SHA-256, and the head of the OCTET STRING that follows it. */
const SHA256 = Buffer.from('300d06096086480165030402010500' + '0420', 'hex');
const VERSION_1 = Buffer.from('020101', 'hex');
/** The authority's certificate comes with the token, so that its chain can be followed later, offline. */
const CERTIFICATE_WANTED = Buffer.from('0101ff', 'hex');

/** Asks for a timestamp of a text. The request has one form, so it is written down rather than encoded. */
export function timestampRequest(text: string): TimestampRequest {
  const digest = createHash('sha256').update(text).digest();
  const nonce = randomBytes(8);
  // A DER integer is minimal and signed: with this first byte, eight bytes are needed and the number is positive.
  nonce[0] = 0x40 | ((nonce[0] ?? 0) & 0x3f);
  const imprint = Buffer.concat([Buffer.of(0x30, SHA256.length + digest.length), SHA256, digest]);
  const body = Buffer.concat([VERSION_1, imprint, Buffer.of(0x02, nonce.length), nonce, CERTIFICATE_WANTED]);
  return { der: Buffer.concat([Buffer.of(0x30, body.length), body]), digest, nonce };
}

/** PKIStatusInfo at the head of a response: SEQUENCE, SEQUENCE, and the status as an INTEGER of one byte. */
const STATUS = /^30(?:[0-7].|81..|82....)30(?:[0-7].|81..)0201(..)/;

/**
 * Checks, without a library, that an answer is a granted token for this request. Its signature is checked when the log is
 * verified: until then a wrong token does no harm.
 *
 * @throws {IntegrityError} when it is not.
 */
export function requireGranted(reply: Buffer, { digest, nonce }: TimestampRequest): void {
  const [, status] = STATUS.exec(reply.subarray(0, 16).toString('hex')) ?? [];
  if (status === undefined) throw new IntegrityError('the answer is no timestamp response');
  // 0 is granted, 1 granted with modifications; all else is a refusal.
  if (status !== '00' && status !== '01')
    throw new IntegrityError(`the authority refused, with status ${parseInt(status, 16)}`);
  if (!reply.includes(digest) || !reply.includes(nonce))
    throw new IntegrityError('the answer belongs to another request');
}
