import { printable } from '../../lib/internal/text.js';

type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;
type Child = Node | string | number | undefined | false;

/**
 * Makes an element. Text becomes text and nothing else, with control and direction characters made visible: no content of
 * a record is ever parsed as HTML here. A function is a listener; `true` is an attribute without a value.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : printable(String(value)));
  }
  for (const child of children) {
    if (child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : printable(String(child)));
  }
  return element;
}

/** A button. */
export function button(
  kind: string,
  click: (event: Event) => void,
  attributes: Attributes,
  ...children: readonly Child[]
): HTMLButtonElement {
  return h('button', { type: 'button', class: kind, click, ...attributes }, ...children);
}

/** An element of the page as it came. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Text over several lines: only its line feeds stay what they are. */
export function lines(text: string): Text {
  return document.createTextNode(text.split('\n').map(printable).join('\n'));
}

/** `1,234,567` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `2026-01-15 09:30:00` of milliseconds since the epoch, UTC. */
export function clock(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : '';
}

/** A button that puts a text into the clipboard, and says so. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const made = button(
    'soft',
    () => {
      copy(text()).then(
        () => say('Copied'),
        () => say('Cannot copy'),
      );
    },
    {},
    label,
  );
  const say = (word: string) => {
    made.textContent = word;
    setTimeout(() => (made.textContent = label), 2000);
  };
  return made;
}

/** Older browsers give a page from disk no clipboard, but let it copy what is selected. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    const area = h('textarea', { class: 'visually-hidden', readonly: true });
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    if (!copied) throw error;
  }
}
