import type { Dimension } from './model.js';

/** Parts of a name that differ from one item to the next: ids, dates and numbers. */
const VARIABLE =
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b|\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?\b|\d+/gi;

/** From this many names that differ in one place, the place is a variable. */
const SIBLINGS = 5;

/** What stands for any text in a template. */
const ANY = '{name}';

/** What a template writes for one variable part. */
function placeholder(part: string): string {
  if (/^\d+$/.test(part)) return '{n}';
  return /^\d{4}-\d\d-\d\d/.test(part) ? '{date}' : '{id}';
}

/** Where a URI has its path: after the scheme and two slashes. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** The name with its ids, dates and numbers replaced, if it is a URI. Tools and prompts keep their names. */
export function patternOf(name: string): string {
  const scheme = SCHEME.exec(name)?.[0];
  if (scheme === undefined) return name;
  const [path = '', query] = name.slice(scheme.length).split(/\?(.*)/s);
  const values = query === undefined ? '' : `?${query.replace(/=[^&#]*/g, '={value}')}`;
  return scheme + path.replace(VARIABLE, placeholder) + values;
}

/**
 * The template of each name: URIs that differ in ids, dates or numbers have one in common, and so have those of which five or
 * more differ in one part of their path. A name that has its template for itself is its own template.
 */
export function templatesOf(names: readonly string[]): string[] {
  const patterns = names.map(patternOf);
  const split = [...new Set(patterns)]
    .filter((pattern) => SCHEME.test(pattern))
    .map((pattern) => ({ pattern, parts: pattern.split('/') }));
  const joined = new Map<string, string>();
  const longest = Math.max(0, ...split.map(({ parts }) => parts.length));
  // From the left, so that a part that has become a variable joins what lies below it.
  for (let at = 3; at < longest; at++) joinSiblings(split, at);
  for (const { pattern, parts } of split) joined.set(pattern, parts.join('/'));
  const templates = patterns.map((pattern) => joined.get(pattern) ?? pattern);
  const shared = new Map<string, number>();
  for (const template of templates) shared.set(template, (shared.get(template) ?? 0) + 1);
  return templates.map((template, index) => (shared.get(template) === 1 ? names[index]! : template));
}

function joinSiblings(split: readonly { readonly parts: string[] }[], at: number): void {
  const siblings = new Map<string, { parts: string[]; ending: string }[]>();
  for (const { parts } of split) {
    const part = parts[at];
    if (part === undefined) continue;
    // The last part keeps its file extension: `{name}.md`.
    const ending = at === parts.length - 1 ? (/\.[a-z0-9]{1,5}$/i.exec(part)?.[0] ?? '') : '/';
    const key = JSON.stringify([parts.slice(0, at), ending]);
    const found = siblings.get(key);
    if (found === undefined) siblings.set(key, [{ parts, ending }]);
    else found.push({ parts, ending });
  }
  for (const group of siblings.values()) {
    if (new Set(group.map(({ parts }) => parts[at])).size < SIBLINGS) continue;
    for (const { parts, ending } of group) parts[at] = ANY + (ending === '/' ? '' : ending);
  }
}

/** The literal texts of a template, in order: what every name that it stands for holds. */
export function literalsOf(template: string): string[] {
  return template.split(/\{(?:n|id|date|name|value|…)\}/).filter((text) => text !== '');
}

/** Texts in a message that differ from one failure to the next. */
const DIFFERING = /"[^"]*"|'[^']*'|`[^`]*`|[a-z][a-z0-9+.-]*:\/\/[^\s,;)]+|(?<![\w.])\/[\w./@+-]+/gi;
const LONGEST_REASON = 120;

/**
 * Why something failed, in words that repeat: the type of the error and its message without what differs from one failure to
 * the next. `subjects` are the names of the tool, prompt or resource at hand.
 */
export function reasonOf(
  type: string,
  message: string | undefined,
  subjects: readonly (string | undefined)[],
): string {
  let text = message ?? '';
  for (const subject of subjects)
    if (subject !== undefined && subject.length > 2) text = text.replaceAll(subject, '{…}');
  text = text
    .replace(/^(?:MCP error -?\d+: )+/, '')
    .replace(DIFFERING, '{…}')
    .replace(VARIABLE, '{…}')
    .trim();
  if (text === '' || text === type) return type;
  const whole = `${type}: ${text}`;
  return whole.length > LONGEST_REASON ? `${whole.slice(0, LONGEST_REASON)}…` : whole;
}

/** How many distinct values of a field are told apart. Further values are counted as `(other)`. */
const DISTINCT = 20_000;

/** The name for all values that are not told apart. */
export const OTHER = '(other)';

/** The server of records that name none. */
export const NO_SERVER = '(none)';

/** Numbers the values of one field, in the order in which they occur. */
export class Names {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  /** How many operations have each value. Records that are no operation count nothing. */
  readonly #counts: number[] = [];
  #refused = 0;

  /** Counts a value and returns its number. */
  take(name: string, isOperation: boolean): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      if (this.#names.length >= DISTINCT) return this.#refuse(name, isOperation);
      id = this.#new(name);
      // Reserves a number for `(other)` before the numbers run out.
      if (this.#names.length === DISTINCT - 1 && !this.#ids.has(OTHER)) this.#new(OTHER);
    }
    if (isOperation) this.#counts[id]!++;
    return id;
  }

  #new(name: string): number {
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    this.#counts.push(0);
    return id;
  }

  #refuse(name: string, isOperation: boolean): number {
    this.#refused++;
    const pattern = patternOf(name);
    return this.take(this.#ids.has(pattern) ? pattern : OTHER, isOperation);
  }

  /** How many distinct values operations had. */
  get size(): number {
    if (this.#refused > 0) return DISTINCT;
    return this.#counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  }

  /**
   * The `most` frequent values as a dimension, and the new number of each value. Of the others, URIs are counted by their
   * template.
   */
  fold(most: number): { dimension: Dimension; renumber: Uint16Array } {
    const other = this.#ids.get(OTHER);
    const order = this.#names.map((_, id) => id).filter((id) => id !== other);
    order.sort((a, b) => this.#counts[b]! - this.#counts[a]! || (this.#names[a]! < this.#names[b]! ? -1 : 1));
    const renumber = new Uint16Array(this.#names.length);
    const exact = order.length > most ? Math.floor(most * 0.7) : order.length;
    const names = order.slice(0, exact).map((id) => this.#names[id]!);
    order.slice(0, exact).forEach((id, rank) => (renumber[id] = rank));
    const rest = order.slice(exact);
    const templates = templatesOf(rest.map((id) => this.#names[id]!));
    const places = placesOf(templates, rest, most - exact - 1);
    rest.forEach((id, index) => {
      renumber[id] = exact + Math.min(places.get(templates[index]!) ?? places.size, most - exact - 1);
    });
    names.push(...places.keys());
    if (other !== undefined) renumber[other] = names.length;
    if (other !== undefined || rest.some((id) => renumber[id] === names.length)) names.push(OTHER);
    return { dimension: { names, exact, folded: rest.length + this.#refused }, renumber };
  }
}

/** The places of the templates that stand for most names, of those that stand for several. */
function placesOf(templates: readonly string[], ids: readonly number[], room: number): Map<string, number> {
  const sizes = new Map<string, number>();
  ids.forEach((_, index) => sizes.set(templates[index]!, (sizes.get(templates[index]!) ?? 0) + 1));
  const largest = [...sizes].filter(([, size]) => size > 1).sort((a, b) => b[1] - a[1]);
  return new Map(largest.slice(0, Math.max(0, room)).map(([template], place) => [template, place]));
}
