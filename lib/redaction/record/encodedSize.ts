/**
 * At most how many bytes a JSON text takes in UTF-8 once a codec has escaped what is dangerous on a line: control
 * characters (C0, DEL, C1), separators (U+2028, U+2029), bidirectional and other invisible controls, six bytes each.
 */
export function encodedSize(json: string): number {
  let bytes = 0;
  for (let index = 0; index < json.length; index++) bytes += unitSize(json.charCodeAt(index));
  return bytes;
}

function unitSize(code: number): number {
  if (code < 0x80) return code < 0x20 || code === 0x7f ? 6 : 1;
  if (code < 0x800) return code < 0xa0 || code === 0xad || code === 0x61c ? 6 : 2;
  // Half of a pair: four bytes as UTF-8, twelve where a codec escapes both halves (U+E0001 and the like).
  if (code >= 0xd800 && code <= 0xdfff) return 6;
  const escaped =
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code >= 0xfeff;
  return escaped ? 6 : 3;
}
