import type { AuditRecord } from '../../schema/record.js';
import type { LinePlace } from '../input/scanner.js';
import type { Rows } from './model.js';

type Line = Rows['lines'][number];

/** Keeps the last so many things, in order. */
class Ring {
  readonly #items: { order: number; line: Line }[] = [];
  readonly #most: number;
  #next = 0;
  seen = 0;

  constructor(most: number) {
    this.#most = most;
  }

  push(item: { order: number; line: Line }): void {
    this.seen++;
    if (this.#most === 0) return;
    if (this.#items.length < this.#most) this.#items.push(item);
    else {
      this.#items[this.#next] = item;
      this.#next = (this.#next + 1) % this.#most;
    }
  }

  get items(): readonly { order: number; line: Line }[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}

/**
 * Chooses the records that a page holds one by one: the newest notable ones (anything but a plain success) up to the limit,
 * and as many of the newest others as there is room left for.
 */
export class RowKeeper {
  readonly #most: number;
  readonly #notable: Ring;
  readonly #plain: Ring;
  readonly #files: string[] = [];
  #order = 0;

  constructor(most: number) {
    this.#most = most;
    this.#notable = new Ring(most);
    this.#plain = new Ring(most);
  }

  add(record: AuditRecord, data: Buffer, start: number, end: number, place: LinePlace): void {
    if (this.#files.at(-1) !== place.file) this.#files.push(place.file);
    const text = data.toString('utf8', start, end);
    const item = {
      order: this.#order++,
      line: [this.#files.length - 1, place.line, place.offset, text] as const,
    };
    (isNotable(record) ? this.#notable : this.#plain).push(item);
  }

  finish(): Rows {
    const notable = this.#notable.items;
    const room = this.#most - notable.length;
    const plain = room === 0 ? [] : this.#plain.items.slice(-room);
    const chosen = [...notable, ...plain].sort((a, b) => a.order - b.order);
    return {
      files: this.#files,
      lines: chosen.map(({ line }) => line),
      notable: { shown: notable.length, all: this.#notable.seen },
    };
  }
}

function isNotable(record: AuditRecord): boolean {
  return record.outcome !== 'OUTCOME_SUCCESS' || record.resource.startsWith('audit/');
}
