import type { Hider } from '../hider.js';

/** One way in which a number or a phrase is written. */
export interface Shape {
  /** Finds it; with the flag `g`, and with a group named `value` where only a part of the match is to be hidden. */
  readonly pattern: RegExp;
  /** Whether what was found is such a number: without blanks, dots, dashes and slashes, and as written. Default: always. */
  readonly holds?: (compact: string, written: string) => boolean;
}

/** Hides all that one of the shapes finds. */
export function hideShapes(shapes: readonly Shape[]): (text: string, hider: Hider) => string {
  return (text, { hide }) =>
    shapes.reduce((rest, { pattern, holds }) => {
      return rest.replace(pattern, (match: string, ...groups: unknown[]) => {
        const named = groups.at(-1);
        const value = isGroups(named) ? (named.value ?? match) : match;
        if (holds !== undefined && !holds(compact(value), value)) return match;
        const at = match.lastIndexOf(value);
        return match.slice(0, at) + hide(value) + match.slice(at + value.length);
      });
    }, text);
}

function isGroups(value: unknown): value is { readonly value?: string } {
  return typeof value === 'object' && value !== null;
}

/** A number without what people put between its parts. */
function compact(text: string): string {
  return text.replace(/[\s.\-/\u00a0\u2007\u2010-\u2015\u202f]/g, '').toUpperCase();
}

/**
 * A shape that counts only behind a word that says what it is, with a few words between them at most.
 *
 * @param words An expression for the words, without groups that capture.
 * @param value An expression for the number.
 */
export function behind(words: string, value: string, holds?: Shape['holds']): Shape {
  const pattern = new RegExp(
    `(?<![A-Za-z\\d])(?:${words})(?![A-Za-z\\d])[^A-Za-z\\d\\r\\n]{0,6}(?:(?:is|was|are|no|nr|num|number|id|of|the|patient|code)\\b[^A-Za-z\\d\\r\\n]{1,4}){0,3}(?<value>${value})(?![A-Za-z\\d])`,
    'gi',
  );
  return { pattern, ...(holds && { holds }) };
}
