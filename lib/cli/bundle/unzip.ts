import { Unzip, UnzipInflate } from 'fflate';
import { createReadStream } from 'node:fs';
import { inputFailure } from '../failure.js';

/** Takes a file of an archive, piece by piece. */
export interface EntryTaker {
  push(data: Uint8Array): void;
  end(): void;
}

/** No archive of ours has more files; one that claims to wants to wear us out. */
const MOST_ENTRIES = 10_000;

/**
 * Reads a zip file once, from its beginning to its end, without unpacking anything to disk.
 *
 * @param begin Called with the name of each file; returns what takes its content.
 * @throws {CliFailure} when the file is no whole zip file.
 */
export async function readArchive(path: string, begin: (name: string) => EntryTaker): Promise<void> {
  let entries = 0;
  let open = 0;
  let failure: Error | undefined;
  const unzip = new Unzip((entry) => {
    if (++entries > MOST_ENTRIES) throw inputFailure(`${path}: more files than a bundle has`);
    const taker = begin(entry.name);
    open++;
    entry.ondata = (error, data, final) => {
      if (error !== null) failure ??= error;
      else taker.push(data);
      if (!final) return;
      open--;
      taker.end();
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>)
      unzip.push(Uint8Array.from(piece));
    unzip.push(new Uint8Array(0), true);
  } catch (error) {
    if (isZipFault(error)) failure ??= error;
    else throw error;
  }
  if (failure !== undefined) throw inputFailure(`${path}: a damaged zip file: ${failure.message}`, failure);
  if (entries === 0) throw inputFailure(`${path}: not a zip file`);
  if (open > 0) throw inputFailure(`${path}: the zip file breaks off`);
}

/** fflate's own errors carry a number; those of the file system have a word. */
function isZipFault(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'number';
}
