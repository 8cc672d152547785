import { printable } from '../../internal/text.js';

/** HTML that {@link html} made. Every value in it is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a template. HTML stays as it is, the items of a list follow each other, `undefined` and `false` are empty; texts and numbers are escaped. */
export type Fragment = Html | string | number | undefined | false | readonly Fragment[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Escapes a text for HTML content and quoted attributes. Control and direction characters become visible. */
function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? character);
}

/** Makes HTML from a template. Values are escaped unless this function made them. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(strings.map((string, index) => string + render(values[index])).join(''));
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}

/** `2026-01-15T09:30:00.125Z` as `2026-01-15 09:30:00`. */
function readableTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)}`;
}

/** A time that people and programs can read. */
export function timeCell(time: string): Html {
  return html`<time datetime="${time}">${readableTime(time)}</time>`;
}

/** A table. Its cells name their column, for screens on which a row is a card. */
export function table(
  caption: string,
  heads: readonly (readonly [name: string, kind?: 'number'])[],
  rows: readonly Html[],
): Html {
  return html`<div class="scroll stacks" tabindex="0" role="region" aria-label="${caption}">
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

/** A section with its heading and a summary line. */
export function section(id: string, title: string, lead: Fragment, body: Fragment): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <p class="lead">${lead}</p>
    ${body}
  </section> `;
}
