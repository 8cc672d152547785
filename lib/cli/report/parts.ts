import { html, type Fragment, type Html } from './html.js';

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
