/** A pattern of a filter: plain text, or with `*` for any run of characters and `?` for any one. */
export interface Pattern {
  test(value: string): boolean;
  /** A text that a line must hold raw if a field in it matches; undefined if there is none worth a search. */
  readonly needle: string | undefined;
}

/** Characters that every JSON writer leaves as they are, so that they can be searched for in raw lines. */
const PLAIN = /[A-Za-z0-9_.:@+=,;~ -]+/g;
const WORTHWHILE = 3;

/** Compiles a pattern. Case matters. */
export function compilePattern(text: string): Pattern {
  const wild = /[*?]/.test(text);
  if (!wild) return { test: (value) => value === text, needle: needleIn(`"${text}"`) };
  const source = text
    .split(/(\*+|\?)/)
    .map((part) =>
      part.startsWith('*') ? '.*' : part === '?' ? '.' : part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'),
    );
  const expression = new RegExp(`^${source.join('')}$`, 'su');
  return { test: (value) => expression.test(value), needle: needleIn(`"${text}"`) };
}

/** The longest run of plain characters, with the quotation mark at the value's begin or end where it touches one. */
function needleIn(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  let best: string | undefined;
  for (const { 0: run, index } of inner.matchAll(PLAIN)) {
    const text = `${index === 0 ? '"' : ''}${run}${index + run.length === inner.length ? '"' : ''}`;
    if (run.length >= WORTHWHILE && text.length > (best?.length ?? 0)) best = text;
  }
  return best;
}
