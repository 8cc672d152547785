import { escapeControls } from '../internal/text.js';

/** A lone surrogate, as `JSON.stringify` writes it. An escaped backslash matches first, and is left as it is. */
const LONE_SURROGATE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/**
 * JSON on one line of printable characters. Control and direction characters are escaped (`\u…`), lone surrogates become U+FFFD
 * (as UTF-8 encoders write them), so that every reader sees the same text.
 */
export function toJsonLine(value: unknown): string {
  return asLine(JSON.stringify(value));
}

/** The same of JSON that was made in another way than by `JSON.stringify`, and equals what that would give. */
export function asLine(json: string): string {
  let line = json;
  if (line.includes('\\ud')) {
    line = line.replace(LONE_SURROGATE, (match) => (match === '\\\\' ? match : '\ufffd'));
  }
  // Most lines are ASCII, where DEL is the only character to escape; to look for it alone is many times faster.
  const isAscii = Buffer.byteLength(line) === line.length;
  return isAscii && !line.includes('\u007f') ? line : escapeControls(line);
}

/** Lines as bytes, each with a line feed. Each is written in place: joining the texts first costs several times as much. */
export function bytesOfLines(lines: readonly string[]): Buffer {
  let size = lines.length;
  for (const line of lines) size += Buffer.byteLength(line);
  const bytes = Buffer.allocUnsafe(size);
  let end = 0;
  for (const line of lines) {
    end += bytes.write(line, end);
    bytes[end++] = 0x0a;
  }
  return bytes;
}
