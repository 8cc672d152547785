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

/** `2026-01-15T09:30:00.125Z` as people read it. */
function readableTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)}`;
}

/** A time that people and programs can read. */
export function timeCell(time: string): Html {
  return html`<time datetime="${time}">${readableTime(time)}</time>`;
}

/** A table that scrolls sideways by itself where the page is too narrow. */
export function table(
  caption: string,
  heads: readonly (readonly [name: string, kind?: 'number'])[],
  rows: readonly Html[],
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption class="visually-hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads.map(([name, kind]) => html`<th scope="col" class="${kind ?? ''}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** A section with its heading and a line of what it says. */
export function section(id: string, title: string, lead: Fragment, body: Fragment): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <p class="lead">${lead}</p>
    ${body}
  </section> `;
}
