import { closeSync, openSync, readSync } from 'node:fs';
import type { LineScanner } from './scanner.js';

const LF = 0x0a;
const READ_BYTES = 1 << 19;
/** What is read at once behind a range, for the end of a line that begins in it. */
const REST_BYTES = 1 << 16;
/** A byte order mark in UTF-8. It is no part of the first line. */
const MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** A part of a plain file: the lines that begin in it. Where it is the last one, `to` is `Infinity`: the file may have grown. */
export interface FileRange {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** Cuts a file of so many bytes into ranges, which together hold each of its lines once. */
export function rangesOf(file: string, bytes: number, rangeBytes: number): FileRange[] {
  const ranges: FileRange[] = [];
  for (let from = 0; from === 0 || from < bytes; from += rangeBytes)
    ranges.push({ file, from, to: from + rangeBytes < bytes ? from + rangeBytes : Infinity });
  return ranges;
}

/** Reads ranges of files, and waits for the disk while it does: for a thread that has nothing else to do. */
export class RangeReader {
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #file: string | undefined;
  #descriptor = -1;

  /** Feeds a scanner with the lines of a range. The scanner must be new, and be one for this file. */
  read({ file, from, to }: FileRange, scanner: LineScanner): void {
    const descriptor = this.#open(file);
    // A line begins at `from` only if the byte before it ends one.
    let at = Math.max(0, from - 1);
    let hasBegun = from === 0;
    for (;;) {
      const length = at < to ? Math.min(READ_BYTES, to - at) : REST_BYTES;
      const read = readSync(descriptor, this.#buffer, 0, length, at);
      if (read === 0) return scanner.finish();
      let start = hasBegun ? this.#afterMark(at, read) : 0;
      if (!hasBegun) {
        start = this.#buffer.subarray(0, read).indexOf(LF) + 1;
        hasBegun = start > 0;
        if (!hasBegun) start = read;
        if (at + start >= to) return;
      }
      const data = this.#buffer.subarray(start, read);
      const last = at + read >= to ? data.indexOf(LF, Math.max(0, to - 1 - at - start)) : -1;
      scanner.feed({
        data: last === -1 ? data : data.subarray(0, last + 1),
        segment: file,
        offset: at + start,
      });
      at += read;
      if (last !== -1) return;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#descriptor);
    this.#file = undefined;
  }

  #open(file: string): number {
    if (this.#file !== file) {
      this.close();
      this.#descriptor = openSync(file, 'r');
      this.#file = file;
    }
    return this.#descriptor;
  }

  #afterMark(at: number, read: number): number {
    return at === 0 && read >= MARK.length && this.#buffer.subarray(0, MARK.length).equals(MARK)
      ? MARK.length
      : 0;
  }
}
