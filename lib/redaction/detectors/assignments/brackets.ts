/** The same quote again with as many backslashes before it; the end of the text where there is none. */
export function closingQuote(text: string, from: number, quote: string): number {
  const mark = quote.at(-1) ?? '"';
  const slashes = quote.length - 1;
  for (let at = text.indexOf(mark, from); at !== -1; at = text.indexOf(mark, at + 1)) {
    let before = 0;
    while (at - before > from && text[at - before - 1] === '\\') before++;
    if (before <= slashes || (slashes === 0 && before % 2 === 0)) return at - Math.min(before, slashes);
  }
  return text.length;
}

/** Past the bracket that closes the one at `from`; the end of the text where none does. Strings are stepped over. */
export function closingBracket(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = closingQuote(text, at + 1, '"');
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}
