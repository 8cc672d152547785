import type { ReportModel } from '../../lib/cli/report/model.js';
import { readAddress, writeAddress } from './address.js';
import { snapped } from './timeFields.js';

/** The fields by which the page narrows what it shows. */
export const FACETS = ['actor', 'target', 'server'] as const;
/** One of them. */
export type Facet = (typeof FACETS)[number];

/** Groups of outcomes that the page tells apart, from the bottom of a stacked bar to its top; and their words for `query`. */
export const OUTCOME_GROUPS = [
  { name: 'Succeeded', key: 'success', outcomes: [0], words: ['success'] },
  { name: 'Partial or unknown', key: 'other', outcomes: [1, 2], words: ['partial', 'unknown'] },
  { name: 'Refused', key: 'refused', outcomes: [3, 4], words: ['denied', 'unauthorized'] },
  { name: 'Failed', key: 'failed', outcomes: [5], words: ['error'] },
] as const;
/** The key of one of them. */
type OutcomeKey = (typeof OUTCOME_GROUPS)[number]['key'];

/** A range of time, in milliseconds since the epoch: from its beginning up to its end. */
export type Range = readonly [from: number, to: number];

/** Which records are chosen. Absent means all. */
export interface Choice {
  actor?: string | undefined;
  /** The name of a target, or the template of several. */
  target?: string | undefined;
  server?: string | undefined;
  outcome?: OutcomeKey | undefined;
  range?: Range | undefined;
  /** Words that the values of a record must hold. */
  text: string;
}

/** What the page shows. All of it is in its address. */
export interface Place extends Choice {
  /** The two periods that are compared. */
  compare?: readonly [Range, Range] | undefined;
  /** The id of the record that is open. */
  record?: string | undefined;
  /** The id of the session that is open. */
  session?: string | undefined;
  theme?: 'light' | 'dark' | undefined;
}

/** How a change goes into the history of the browser: as a step of its own, or in place of the last one. */
export type Step = 'new' | 'same';

/** Where the reader is, and those who want to know when that changes. */
export class State {
  readonly model: ReportModel;
  place: Place;
  readonly #listeners: (() => void)[] = [];
  readonly #choosers: (() => void)[] = [];
  #told = '';

  constructor(model: ReportModel) {
    this.model = model;
    this.place = this.#read();
    const follow = () => {
      this.place = this.#read();
      this.#tell();
    };
    addEventListener('popstate', follow);
    addEventListener('hashchange', follow);
  }

  /** Ranges in the address become those of whole buckets. */
  #read(): Place {
    const place = readAddress(location.hash);
    const { timeline } = this.model;
    return { ...place, range: place.range && (snapped(timeline, place.range) ?? place.range) };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Called when other records are chosen. */
  onChoice(listener: () => void): void {
    this.#choosers.push(listener);
  }

  change(part: Partial<Place>, step: Step = 'new'): void {
    this.place = { ...this.place, ...part };
    const address = writeAddress(this.place);
    const now = location.hash.replace(/^#/, '');
    if (address !== now) history[step === 'new' ? 'pushState' : 'replaceState'](null, '', `#${address}`);
    this.#tell();
  }

  #tell(): void {
    const { actor, target, server, outcome, range, text } = this.place;
    const chosen = JSON.stringify([actor, target, server, outcome, range, text]);
    if (chosen !== this.#told) {
      this.#told = chosen;
      for (const listener of this.#choosers) listener();
    }
    for (const listener of this.#listeners) listener();
  }

  /** Chooses a value, or lets go of it if it was chosen already. */
  toggle(field: Facet | 'outcome', value: string): void {
    this.change({ [field]: this.place[field] === value ? undefined : value });
  }

  /** Chooses all records again, or those that hold a text. */
  reset(text = ''): void {
    const { theme, compare } = this.place;
    this.place = { text, theme, compare };
    this.change({});
  }

  get narrowed(): boolean {
    const { actor, target, server, outcome, range, text } = this.place;
    return text.trim() !== '' || [actor, target, server, outcome, range].some((value) => value !== undefined);
  }
}
