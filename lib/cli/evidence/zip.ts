import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { Readable } from 'node:stream';
import { inputFailure } from '../shared/command.js';
import { Zip, ZipDeflate, type ZipInputFile } from 'fflate';
import { createHash } from 'node:crypto';
import { type Output } from '../term/output.js';
import { type BundleFile } from './manifest.js';

/** No archive of ours has more files; one that claims to wants to wear us out. */
const MOST_ENTRIES = 10_000;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const STREAMED = 0x0008;
/** Bit 3: sizes follow the content; bit 11: names are UTF-8; bits 1 and 2: how hard deflate tried (APPNOTE 4.4.4). */
const KNOWN_FLAGS = STREAMED | 0x0800 | 0x0006;

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Its content; read to its end, it is what the archive says it is, or reading fails. */
  content(): AsyncIterable<Buffer>;
}

interface Header {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

/**
 * A zip file read by its central directory, in the one form that bundles have: no comment, no extra field, no encryption, no
 * 64-bit extension; the files one after the other, without anything between, before or behind them. Every other form is
 * refused, since two programs could unpack two things from it. General readers (yauzl, for one) go by the central directory
 * alone, and do not compare it with the local headers.
 */
export class ZipReader {
  readonly entries: readonly ZipEntry[];
  readonly #file: FileHandle;

  private constructor(file: FileHandle, entries: readonly ZipEntry[]) {
    this.#file = file;
    this.entries = entries;
  }

  /** @throws {CliFailure} with exit code 3 when the file is no such archive. */
  static async open(path: string): Promise<ZipReader> {
    const file = await open(path, 'r');
    try {
      return new ZipReader(file, await readEntries(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function readEntries(path: string, file: FileHandle): Promise<ZipEntry[]> {
  const refuse = (why: string) => inputFailure(`${path}: not a bundle as evidence writes it: ${why}`);
  const { size } = await file.stat();
  if (size < END_BYTES) throw refuse('not a zip file');
  const end = await bytesAt(file, size - END_BYTES, END_BYTES);
  if (end.readUInt32LE(0) !== 0x06054b50)
    throw refuse('the zip file breaks off, or something follows its end');
  const [count, total] = [end.readUInt16LE(8), end.readUInt16LE(10)];
  const [bytes, start] = [end.readUInt32LE(12), end.readUInt32LE(16)];
  if (end.readUInt32LE(4) !== 0 || count !== total || end.readUInt16LE(20) !== 0)
    throw refuse('it has several parts, or a comment');
  if (count > MOST_ENTRIES) throw refuse('more files than a bundle has');
  if (start + bytes !== size - END_BYTES) throw refuse('its directory is not where it has to be');
  const directory = await bytesAt(file, start, bytes);
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  let place = 0;
  for (let n = 0; n < count; n++) {
    if (at + CENTRAL_BYTES > bytes || directory.readUInt32LE(at) !== 0x02014b50)
      throw refuse('its directory is damaged');
    const nameBytes = directory.readUInt16LE(at + 28);
    const header = headerOf(
      directory,
      at + 8,
      directory.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes),
    );
    if (directory.readUInt16LE(at + 30) !== 0 || directory.readUInt16LE(at + 32) !== 0)
      throw refuse('an entry has an extra field or a comment');
    if (directory.readUInt16LE(at + 34) !== 0 || directory.readUInt32LE(at + 42) !== place)
      throw refuse('something lies between its files, or they overlap');
    if (!isSafe(header.name) || names.has(header.name.toLowerCase()))
      throw refuse('a name stands in it twice, or leads out of its folder');
    names.add(header.name.toLowerCase());
    if (!isPlainFile(directory.readUInt32LE(at + 38))) throw refuse('an entry is a link, or no plain file');
    if ((header.flags & ~KNOWN_FLAGS) !== 0 || (header.method !== 0 && header.method !== 8))
      throw refuse('an entry is encrypted, or packed in an unknown way');
    const data = place + LOCAL_BYTES + nameBytes;
    place = data + header.packed + (await tailBytes(file, place, start, header, refuse));
    entries.push({
      name: header.name,
      size: header.size,
      content: () => contentOf(file, data, header, refuse),
    });
    at += CENTRAL_BYTES + nameBytes;
  }
  if (at !== bytes || place !== start) throw refuse('something lies between its files and its directory');
  return entries;
}

/** Holds the local header against the central one; gives the length of what follows the content. */
async function tailBytes(
  file: FileHandle,
  place: number,
  limit: number,
  central: Header,
  refuse: (why: string) => Error,
): Promise<number> {
  const name = Buffer.from(central.name);
  const local = await bytesAt(file, place, LOCAL_BYTES + name.length);
  if (local.length < LOCAL_BYTES + name.length || local.readUInt32LE(0) !== 0x04034b50)
    throw refuse('a file is not where the directory says');
  const own = headerOf(local, 6, local.subarray(LOCAL_BYTES));
  const streamed = (central.flags & STREAMED) !== 0;
  const known = { crc: central.crc, packed: central.packed, size: central.size };
  const sizes = streamed && own.crc === 0 && own.packed === 0 && own.size === 0 ? known : {};
  if (local.readUInt16LE(26) !== name.length || local.readUInt16LE(28) !== 0)
    throw refuse('a local header has another name, or an extra field');
  if (JSON.stringify({ ...own, ...sizes }) !== JSON.stringify(central))
    throw refuse('a local header contradicts the directory');
  const end = place + LOCAL_BYTES + name.length + central.packed;
  if (end > limit) throw refuse('a file reaches into the directory');
  if (!streamed) return 0;
  const descriptor = await bytesAt(file, end, 16);
  const fields = Buffer.alloc(16);
  fields.writeUInt32LE(0x08074b50, 0);
  fields.writeUInt32LE(central.crc, 4);
  fields.writeUInt32LE(central.packed, 8);
  fields.writeUInt32LE(central.size, 12);
  if (!descriptor.equals(fields)) throw refuse('what follows a file contradicts the directory');
  return 16;
}

function headerOf(bytes: Buffer, at: number, name: Buffer): Header {
  return {
    name: name.toString('utf8'),
    flags: bytes.readUInt16LE(at),
    method: bytes.readUInt16LE(at + 2),
    crc: bytes.readUInt32LE(at + 8),
    packed: bytes.readUInt32LE(at + 12),
    size: bytes.readUInt32LE(at + 16),
  };
}

async function bytesAt(file: FileHandle, place: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, place);
  return buffer.subarray(0, bytesRead);
}

async function* packedBytes(file: FileHandle, place: number, length: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < length;) {
    const piece = await bytesAt(file, place + done, Math.min(1 << 18, length - done));
    if (piece.length === 0) return;
    done += piece.length;
    yield piece;
  }
}

async function* contentOf(
  file: FileHandle,
  place: number,
  { method, packed, size, crc, name }: Header,
  refuse: (why: string) => Error,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  let sum = 0;
  const source = Readable.from(packedBytes(file, place, packed));
  const inflate = method === 8 ? zlib.createInflateRaw() : undefined;
  if (inflate !== undefined) source.on('error', (error) => inflate.destroy(error));
  const content = (inflate === undefined ? source : source.pipe(inflate)) as AsyncIterable<Buffer>;
  try {
    for await (const piece of content) {
      bytes += piece.length;
      if (bytes > size) throw refuse(`${name} is longer than the directory says`);
      if (typeof zlib.crc32 === 'function') sum = zlib.crc32(piece, sum);
      yield piece;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw refuse(`${name} is damaged: ${error.message}`);
    throw error;
  }
  if (bytes !== size || (typeof zlib.crc32 === 'function' && sum !== crc))
    throw refuse(`${name} is not what the directory says`);
  // Bytes behind the end of the deflated data would be in the file, and in no content.
  if (inflate !== undefined && inflate.bytesWritten !== packed) throw refuse(`something lies behind ${name}`);
}

/** By the mode (APPNOTE 4.4.15, upper half): a link would be followed, or a program run, by who unpacks it. */
function isPlainFile(attributes: number): boolean {
  const [type, special] = [(attributes >>> 28) & 0o17, (attributes >>> 25) & 0o7];
  const isFolder = (attributes & 0x10) !== 0;
  return (type === 0 || type === 0o10) && special === 0 && !isFolder;
}

/** Relative, with slashes, without anything that leads elsewhere, in printable ASCII: our names have nothing else. */
function isSafe(name: string): boolean {
  return /^[\w.-]+(?:\/[\w.-]+)*$/.test(name) && !name.split('/').some((part) => /^\.+$/.test(part));
}

/** A zip file without the 64-bit extension ends here (APPNOTE 4.4.8, 4.4.9). */
const LIMIT = 0xffff_ffff;
/** The earliest time that a zip file can state: the same for every file, so that the same input gives the same bytes. */
const EPOCH = new Date(1980, 0, 1);

/**
 * How hard deflate tries. From 3 to 6, a bundle of a log becomes a fifth smaller, and packing it takes 40 % more time. The bytes also
 * depend on the zlib in Node.js and on the processor; what is unpacked from them does not.
 */
export const PACKED_LEVEL = 3;
/** Readable by its owner alone when unpacked on a system that has modes. */
const ATTRIBUTES = { mtime: EPOCH, os: 3, attrs: (0o100600 << 16) >>> 0 };

/** What gzip writes around deflated bytes (RFC 1952): a head without optional fields; behind them the CRC-32 and the length. */
const GZIP_HEAD = 10;
/** The length of what stands behind the deflated bytes. */
export const GZIP_TRAILER = 8;

/** The content of a file, deflated: as gzip writes it, since gzip has the sum that a zip file needs. */
export interface PackedContent {
  /** Where the gzip file lies, and its length. */
  readonly path: string;
  readonly packed: number;
  /** Of the content, as are the sums. */
  readonly bytes: number;
  readonly crc: number;
  /** Hex. */
  readonly sha256: string;
}

function tooLarge(): Error {
  return inputFailure('the evidence does not fit into a zip file of 4 GB: choose a shorter period');
}

/** Writes a zip file piece by piece, and keeps the hash of each file in it. */
export class Archive {
  readonly files: BundleFile[] = [];
  readonly #zip: Zip;
  readonly #output: Output;
  #bytes = 0;

  constructor(output: Output) {
    this.#output = output;
    this.#zip = new Zip((error, data) => {
      if (error !== null) throw error;
      this.#bytes += data.length;
      if (this.#bytes > LIMIT) throw tooLarge();
      output.bytes(data);
    });
  }

  /** Adds a file whose content is at hand. */
  add(path: string, content: string): void {
    const data = Buffer.from(content);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const gzip = zlib.gzipSync(data, { level: PACKED_LEVEL });
    const end = gzip.length - GZIP_TRAILER;
    const entry = this.#begin({ path, bytes: data.length, crc: gzip.readUInt32LE(end), sha256 });
    entry.ondata?.(null, gzip.subarray(GZIP_HEAD, end), true);
  }

  /** Adds a file that was packed before. */
  async addPacked(path: string, { path: from, packed, ...content }: PackedContent): Promise<void> {
    const entry = this.#begin({ ...content, path });
    const range = { start: GZIP_HEAD, end: packed - GZIP_TRAILER - 1, highWaterMark: 1 << 18 };
    for await (const piece of createReadStream(from, range) as AsyncIterable<Buffer<ArrayBuffer>>) {
      entry.ondata?.(null, piece, false);
      await this.#output.settle();
    }
    entry.ondata?.(null, new Uint8Array(0), true);
  }

  #begin({ path, bytes, sha256, crc }: BundleFile & { readonly crc: number }): ZipInputFile {
    this.#note({ path, bytes, sha256 });
    const { compression, flag } = new ZipDeflate(path, { level: PACKED_LEVEL });
    const entry: ZipInputFile = { filename: path, compression, flag, size: bytes, crc, ...ATTRIBUTES };
    this.#zip.add(entry);
    return entry;
  }

  #note(file: BundleFile): void {
    if (file.bytes > LIMIT || this.#bytes > LIMIT) throw tooLarge();
    this.files.push(file);
  }

  /** Ends the zip file. */
  end(): void {
    this.#zip.end();
  }
}
