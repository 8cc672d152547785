import { open, type FileHandle } from 'node:fs/promises';
import { ArchiveError } from './objectStore.js';

/** Bytes that are to become an object. */
export interface Content {
  readonly bytes: number;
  read(start: number, end: number): Promise<Buffer>;
}

/** The bytes of a file, which stay readable when it is renamed or removed meanwhile. Close the handle afterwards. */
export async function contentOfFile(path: string): Promise<Content & { readonly handle: FileHandle }> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  const read = async (start: number, end: number) => {
    const buffer = Buffer.allocUnsafe(end - start);
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await handle.read(buffer, done, buffer.length - done, start + done);
      if (bytesRead === 0) throw new ArchiveError(`${path} became shorter while it was uploaded`);
      done += bytesRead;
    }
    return buffer;
  };
  return { bytes: size, read, handle };
}

/** Bytes in memory as content. */
export function contentOf(bytes: Uint8Array): Content {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes: buffer.length, read: (start, end) => Promise.resolve(buffer.subarray(start, end)) };
}
