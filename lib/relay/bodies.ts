import type { Readable, Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { MAX_READ_BYTES } from './lines.js';

/** What came of a body: all of it, or its beginning and then the rest as it comes, where it is too long to be read. */
export type Body = Buffer | AsyncGenerator<Buffer, void>;

/** Takes a body in, as far as it may be read. */
export async function gather(stream: Readable, limit = MAX_READ_BYTES): Promise<Body> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const held: Buffer[] = [];
  let size = 0;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    held.push(next.value);
    size += next.value.length;
    if (size > limit) return onwards(held, chunks);
  }
  return Buffer.concat(held);
}

async function* onwards(held: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  yield Buffer.concat(held);
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** How bodies are compressed and decompressed, by the name of the coding (RFC 9110, section 8.4.1). */
interface Coding {
  /** Decompresses a stream. */
  readonly decoder: () => Transform;
  /** Compresses a stream, and holds nothing of it back. */
  readonly encoder: () => Transform;
}

const SYNC = { flush: zlib.constants.Z_SYNC_FLUSH };
const GZIP: Coding = { decoder: () => zlib.createGunzip(), encoder: () => zlib.createGzip(SYNC) };

/** As many as every Node of ours has. */
const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { decoder: () => zlib.createInflate(), encoder: () => zlib.createDeflate(SYNC) },
  br: {
    decoder: () => zlib.createBrotliDecompress(),
    encoder: () => zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  },
};

/** How one body is packed, by its `Content-Encoding`: what cannot be unpacked is as it is. */
export class Packing {
  readonly #coding: Coding | undefined;

  constructor(contentEncoding: string | undefined) {
    this.#coding = CODINGS[contentEncoding?.trim().toLowerCase() ?? ''];
  }

  /** What unpacks a stream and what packs it again; undefined where neither is to be done. */
  streams(): { readonly decoder: Transform; readonly encoder: Transform } | undefined {
    return this.#coding && { decoder: this.#coding.decoder(), encoder: this.#coding.encoder() };
  }

  /** Unpacks a body; one that is damaged, or would be too long to be read, comes back as it is. */
  async unpacked(body: Buffer): Promise<Buffer> {
    return (this.#coding && (await decoded(body, this.#coding))) ?? body;
  }

  /** Packs a body. */
  async packed(body: Buffer): Promise<Buffer> {
    return this.#coding === undefined ? body : await encoded(body, this.#coding);
  }
}

/** Which of the codings that a client takes can be read here; `identity` where none can. */
export function acceptable(header: string): string {
  const items = header.split(',').map((item) => item.trim());
  const known = items.filter((item) => {
    const [name = '', ...parameters] = item.toLowerCase().split(';');
    const isRefused = parameters.some((each) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(each));
    return Object.hasOwn(CODINGS, name.trim()) || name.trim() === 'identity' || isRefused;
  });
  return known.length === 0 ? 'identity' : known.join(', ');
}

/** Undefined where it is damaged, or too long to be read. */
async function decoded(body: Buffer, coding: Coding): Promise<Buffer | undefined> {
  const decoder = coding.decoder();
  decoder.end(body);
  try {
    const read = await gather(decoder);
    if (Buffer.isBuffer(read)) return read;
    decoder.destroy();
    return undefined;
  } catch {
    return undefined;
  }
}

async function encoded(body: Buffer, coding: Coding): Promise<Buffer> {
  const encoder = coding.encoder();
  encoder.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
