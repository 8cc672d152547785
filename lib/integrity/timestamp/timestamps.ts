import { join } from 'node:path';
import { deadlineSignal } from '../../internal/duration.js';
import { IntegrityError } from '../../errors.js';
import { AnchorQueue } from '../anchors.js';
import { type Checkpoint } from '../checkpoint.js';
import { parseNote } from '../note.js';
import { makeFolder, replaceFile } from '../store.js';
import { requireGranted, timestampRequest } from './request.js';

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
