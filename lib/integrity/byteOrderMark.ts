import type { LogChunk } from './segments.js';

/** A byte order mark in UTF-8, as editors and shells of Windows put it at the beginning of a file. */
const MARK = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * Leaves out a byte order mark at the beginning of a file: it is no part of the first line, neither of its record nor of
 * its hash. Places still count from the first byte of the file.
 */
export async function* withoutMark(
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogChunk, void, undefined> {
  let begun = false;
  // A stream may hand out its beginning byte by byte.
  let held: LogChunk | undefined;
  for await (const chunk of chunks) {
    if (begun || (held === undefined && chunk.offset > 0)) {
      yield chunk;
      continue;
    }
    const data = held === undefined ? chunk.data : Buffer.concat([held.data, chunk.data]);
    if (data.length < MARK.length && MARK.subarray(0, data.length).equals(data)) {
      // A copy: the reader's buffers are used again.
      held = { ...chunk, offset: 0, data: Buffer.from(data) };
      continue;
    }
    begun = true;
    held = undefined;
    const offset = data.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
    if (data.length > offset) yield { ...chunk, offset, data: data.subarray(offset) };
  }
  if (held !== undefined) yield held;
}
