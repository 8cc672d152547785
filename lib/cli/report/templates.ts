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
