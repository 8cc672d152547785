import { printable } from '../../internal/text.js';

/** HTML that was made by {@link html}: everything that was put into it is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: HTML as it is, lists one after the other, nothing for nothing; all else is escaped. */
export type Fragment = Html | string | number | undefined | false | readonly Fragment[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Escapes a text for HTML, in content and in quoted attributes; control and direction characters become visible. */
function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? character);
}

/** Makes HTML of a template: what is put in is text, unless it was made by this function itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(strings.map((string, index) => string + render(values[index])).join(''));
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
