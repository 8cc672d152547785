import { button, h } from './dom.js';
import type { State } from './state.js';

type Field = 'record' | 'session';

/**
 * A view over the page that is open while the address says so. Closing it leads back to where the reader was; what had the focus
 * has it again.
 */
export class View {
  readonly #state: State;
  readonly #field: Field;
  readonly #draw: (id: string) => Node[];
  #dialog: HTMLDialogElement | undefined;
  #shown: string | undefined;

  /** @param draw Its content for an id. Its heading has the id `record-title` or `session-title`. */
  constructor(state: State, field: Field, draw: (id: string) => Node[]) {
    this.#state = state;
    this.#field = field;
    this.#draw = draw;
    state.onChange(() => this.#follow());
    this.#follow();
  }

  #follow(): void {
    const id = this.#state.place[this.#field];
    if (id === this.#shown) return;
    this.#shown = id;
    if (id === undefined) {
      this.#dialog?.close();
      return;
    }
    const dialog = (this.#dialog ??= this.#make());
    dialog.replaceChildren(closeButton(dialog), ...this.#draw(id));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  }

  #make(): HTMLDialogElement {
    const id = this.#field === 'record' ? 'detail' : 'sequence';
    const dialog = h('dialog', { id, 'aria-labelledby': `${this.#field}-title` });
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
    dialog.addEventListener('close', () => {
      if (this.#shown === undefined) return;
      this.#shown = undefined;
      this.#state.change({ [this.#field]: undefined });
    });
    document.body.append(dialog);
    return dialog;
  }
}

function closeButton(dialog: HTMLDialogElement): HTMLElement {
  return button('close', () => dialog.close(), { 'aria-label': 'Close' }, '×');
}
