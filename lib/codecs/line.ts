import { escapeControls } from '../internal/text.js';

/** A lone surrogate, as `JSON.stringify` writes it; an escaped backslash is matched first, so that it is passed over. */
const LONE_SURROGATE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/**
 * JSON text on one line, in printable characters: every control and direction character is `\u`-escaped, every lone
 * surrogate is U+FFFD (as UTF-8 encoders write it), so that any reader of any encoding sees the same text.
 */
export function toJsonLine(value: unknown): string {
  let line = JSON.stringify(value);
  if (line.includes('\\ud')) {
    line = line.replace(LONE_SURROGATE, (match) => (match === '\\\\' ? match : '\ufffd'));
  }
  // Of plain ASCII, which most lines are, DEL alone can do harm: to look for it is many times faster.
  const isAscii = Buffer.byteLength(line) === line.length;
  return isAscii && !line.includes('\u007f') ? line : escapeControls(line);
}

/** Lines as bytes, each with a line feed: written in place, since joining the texts first costs several times as much. */
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
