import { toUSVString } from 'node:util';

const SURROGATE = /[\ud800-\udfff]/;

/** The text with every lone surrogate replaced by U+FFFD, as the Encoding Standard does: JSON and protobuf then agree. */
export function wellFormed(text: string): string {
  return SURROGATE.test(text) ? toUSVString(text) : text;
}

/** Whether the code unit at `index` is the second half of a pair: no cut may fall before it. */
export function splitsPair(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (!(code >= 0xdc00 && code <= 0xdfff)) return false;
  const before = text.charCodeAt(index - 1);
  return before >= 0xd800 && before <= 0xdbff;
}
