import { open } from 'node:fs/promises';

const STEP = 1 << 16;
const LF = 0x0a;

/**
 * Where the last `lines` lines of a file begin, in bytes; looked for from the end.
 *
 * @returns the offset, and the number of the line there (unknown lines before it count as 0).
 */
export async function lastLinesOffset(path: string, lines: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let found = 0;
    for (let end = size; end > 0; end -= STEP) {
      const start = Math.max(0, end - STEP);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      for (let at = buffer.length - 1; at >= 0; at--) {
        // The LF at the very end closes the last line; it begins none.
        if (buffer[at] !== LF || start + at === size - 1) continue;
        if (++found === lines) return start + at + 1;
      }
      if (start === 0) break;
    }
    return lines === 0 ? size : 0;
  } finally {
    await file.close();
  }
}
