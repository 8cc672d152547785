/**
 * Where things stand in JSON text. A message is passed on as its sender spelled it, so that one member is put into its text in place of
 * writing the whole anew: `JSON.stringify(JSON.parse(text))` changes numbers (1e400, 12345678901234567890), loses duplicate keys and
 * moves white space. All functions here expect text that `JSON.parse` takes.
 */

/** A value in a text: `text.slice(start, end)`. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

const SPACE = /[\t\n\r ]*/y;
/** What a value that is neither a string nor nested ends at. */
const PRIMITIVE = /[^\t\n\r ,}\]]*/y;
/** The next place that matters in a nested value. */
const STRUCTURE = /["{}[\]]/g;

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

/** A pattern with a star would overflow the stack on a string of megabytes. */
function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function endOfValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return endOfString(text, at);
  if (first !== '{' && first !== '[') return endOf(PRIMITIVE, text, at);
  let depth = 0;
  let place = at;
  do {
    STRUCTURE.lastIndex = place;
    place = STRUCTURE.exec(text)?.index ?? text.length;
    const found = text[place];
    if (found === undefined) return place;
    if (found === '"') place = endOfString(text, place);
    else {
      depth += found === '{' || found === '[' ? 1 : -1;
      place++;
    }
  } while (depth > 0);
  return place;
}

/** The members of the object or array that begins at a place, in order; those of an array have no key. */
function* partsOf(text: string, at: number): Generator<Place & { readonly key: string | undefined }> {
  const isObject = text[at] === '{';
  let place = endOf(SPACE, text, at + 1);
  while (place < text.length && text[place] !== '}' && text[place] !== ']') {
    let key: string | undefined;
    if (isObject) {
      const end = endOfString(text, place);
      key = JSON.parse(text.slice(place, end)) as string;
      place = endOf(SPACE, text, endOf(SPACE, text, end) + 1);
    }
    const end = endOfValue(text, place);
    yield { key, start: place, end };
    place = endOf(SPACE, text, end);
    if (text[place] === ',') place = endOf(SPACE, text, place + 1);
  }
}

/** Where a text's value stands: without the white space around it. */
export function valueIn(text: string): Place {
  const start = endOf(SPACE, text, 0);
  return { start, end: endOfValue(text, start) };
}

/** The items of the array that stands at a place. */
export function itemsOf(text: string, { start }: Place): Place[] {
  return [...partsOf(text, start)];
}

/** A member of the object that stands at a place. Of several with one key the last counts, as for `JSON.parse`. */
export function memberOf(text: string, { start }: Place, name: string): Place | undefined {
  let found: Place | undefined;
  if (text[start] === '{') for (const part of partsOf(text, start)) if (part.key === name) found = part;
  return found;
}

/** What is to be put into a text, and where. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Adds members to `params._meta` of the JSON-RPC request at a place, and to nothing else. */
export function addToMeta(text: string, request: Place, members: object): Insertion {
  const params = memberOf(text, request, 'params');
  if (params === undefined) return addMember(text, request, `"params":{"_meta":${JSON.stringify(members)}}`);
  const meta = memberOf(text, params, '_meta');
  if (meta === undefined) return addMember(text, params, `"_meta":${JSON.stringify(members)}`);
  return addMember(text, meta, JSON.stringify(members).slice(1, -1));
}

/** At its end, so that no earlier member of the same key outdoes it. */
function addMember(text: string, object: Place, member: string): Insertion {
  const at = object.end - 1;
  const isEmpty = text[endOf(SPACE, text, object.start + 1)] === '}';
  return { at, text: isEmpty ? member : `,${member}` };
}

/** A string, or a number. */
const TOKEN = /["\d-]/g;
const NUMBER = /-?[\d.eE+-]*/y;

/**
 * Whether two programs may read two things in a text: a key stands twice in one object, of which some take the first and some the
 * last, or a number is none that all can hold (I-JSON, RFC 7493, sections 2.2 and 2.3, on which RFC 8785 builds).
 */
export function isAmbiguous(text: string): boolean {
  let keys = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const { index } = found;
    const isString = text[index] === '"';
    const end = isString ? endOfString(text, index) : endOf(NUMBER, text, index);
    if (isString && text[endOf(SPACE, text, end)] === ':') keys++;
    else if (!isString && !isExact(text.slice(index, end))) return true;
    TOKEN.lastIndex = end;
  }
  return keys !== keysIn(JSON.parse(text));
}

function isExact(token: string): boolean {
  const value = Number(token);
  return /[.eE]/.test(token) ? Number.isFinite(value) : Number.isSafeInteger(value);
}

/** How many keys are left once a text is read. */
function keysIn(value: unknown): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const each = open.pop();
    if (typeof each !== 'object' || each === null) continue;
    if (!Array.isArray(each)) count += Object.keys(each).length;
    for (const member of Object.values(each)) open.push(member);
  }
  return count;
}
