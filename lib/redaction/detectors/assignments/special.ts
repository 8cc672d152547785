import type { Hider } from '../hider.js';
import { isReference } from './references.js';
import { readValue } from './values.js';
import { Rewriter } from '../rewriter.js';

/** Secrets that no name of the policy stands before: SQL's `IDENTIFIED BY`, the masks of GitHub's workflows. */
const FORMS =
  /\bIDENTIFIED\s{1,8}(?:WITH\s{1,8}[\w"'`]{1,64}\s{1,8})?(?:BY|AS)\s{1,8}(?:PASSWORD\s{1,8}|VALUES\s{1,8})?(?=["'])|(?<=\bUSER\s{1,4}\S{1,64}\s{1,4})IDENTIFIED\s{1,4}BY\s{1,4}(?=\w)|::add-mask::(?=\S)/gi;
const SECRET_KIND = /(?:^|\n)[ \t]*["']?kind["']?:[ \t]*["']?Secret\b/;
const DATA = /(?:^|\n)([ \t]*)(?:data|stringData):[ \t]*\r?\n/g;
const ENTRY = /^([ \t]*)(?:- )?["']?[\w.-]{1,128}["']?:[ \t]*/;

/** What is looked for in a text by these forms. */
export const SPECIAL_LITERALS = ['identified', '::add-mask::', 'kind: secret', 'kind: "secret"', '"kind":'];

/** Hides what these forms hold. */
export function hideSpecialForms(text: string, hider: Hider): string {
  const rewriter = new Rewriter(text, hider);
  for (const match of text.matchAll(FORMS)) {
    const at = match.index + match[0].length;
    const value = match[0].startsWith('::') ? restOfLine(text, at) : readValue(text, at);
    if (value === undefined || value.end === value.start || at < rewriter.done) continue;
    const shown = text.slice(value.start, value.end);
    if (!isReference(shown, { quoted: true, name: '', code: false, after: '' })) {
      rewriter.hide(value.start, value.end);
    }
  }
  const out = rewriter.toString();
  return SECRET_KIND.test(out) ? hideSecretData(out, hider) : out;
}

function restOfLine(text: string, at: number): { start: number; end: number } {
  const end = text.indexOf('\n', at);
  return { start: at, end: end === -1 ? text.length : end };
}

/** The values of `data` and `stringData` in a Kubernetes Secret. */
function hideSecretData(text: string, hider: Hider): string {
  const rewriter = new Rewriter(text, hider);
  for (const match of text.matchAll(DATA)) {
    const indent = match[1]?.length ?? 0;
    for (let line = match.index + match[0].length; line < text.length;) {
      const { end } = restOfLine(text, line);
      const entry = ENTRY.exec(text.slice(line, end));
      if (entry === null || (entry[1]?.length ?? 0) <= indent) break;
      const value = readValue(text, line + entry[0].length, entry[1]?.length ?? 0);
      const next = value === undefined ? end : Math.max(end, value.end);
      if (value !== undefined && value.end > value.start && value.start < next) {
        const shown = text.slice(value.start, value.end);
        if (!isReference(shown, { quoted: true, name: '', code: false, after: '' }))
          rewriter.hide(value.start, value.end);
      }
      line = next + 1;
    }
  }
  return rewriter.toString();
}
