/** A member of a JSON object, as it stands in the text. */
export interface Member {
  /** The name, decoded. */
  readonly name: string;
  /** The value's JSON text, byte for byte. */
  readonly raw: string;
}

/**
 * The members of an object, where its text has no white space between them, as our lines have none. Nothing for any other text, for
 * a name that comes twice, and for an object without members: what cannot be put together again from its members is not taken
 * apart.
 */
export function membersOf(text: string): Member[] | undefined {
  if (!text.startsWith('{')) return undefined;
  const members: Member[] = [];
  const names = new Set<string>();
  let at = 1;
  for (;;) {
    const nameEnd = endOfString(text, at);
    if (nameEnd === -1 || text[nameEnd] !== ':') return undefined;
    const name = parsed(text.slice(at, nameEnd));
    const end = endOfValue(text, nameEnd + 1);
    if (typeof name !== 'string' || end === -1 || names.has(name)) return undefined;
    const rawName = text.slice(at, nameEnd);
    // One name, one text: `"a"` and `"\u0061"` are the same name, and only one of them can be put together again.
    if (JSON.stringify(name) !== rawName) return undefined;
    names.add(name);
    members.push({ name, raw: text.slice(nameEnd + 1, end) });
    at = end + 1;
    if (text[end] === '}') return at === text.length ? members : undefined;
    if (text[end] !== ',') return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The place after the string that begins here; -1 where none does. */
function endOfString(text: string, start: number): number {
  if (text[start] !== '"') return -1;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** The place after the value that begins here: the comma or the brace that ends the member. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') {
      at = endOfString(text, at) - 1;
      if (at < start) return -1;
    } else if (character === '{' || character === '[') depth++;
    else if (depth > 0 && (character === '}' || character === ']')) depth--;
    else if (depth === 0 && (character === ',' || character === '}')) return at > start ? at : -1;
  }
  return -1;
}
