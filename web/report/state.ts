import type { ReportModel } from '../../lib/cli/report/model.js';

/** The fields by which the page narrows what it shows. */
export const FACETS = ['actor', 'target', 'server'] as const;
/** One of them. */
export type Facet = (typeof FACETS)[number];

/** Groups of outcomes that the page tells apart, from the bottom of a stacked bar to its top. */
export const OUTCOME_GROUPS = [
  { name: 'Succeeded', key: 'success', outcomes: [0] },
  { name: 'Partial or unknown', key: 'other', outcomes: [1, 2] },
  { name: 'Refused', key: 'refused', outcomes: [3, 4] },
  { name: 'Failed', key: 'failed', outcomes: [5] },
] as const;

/** What is chosen. Absent means all. */
export interface Choice {
  actor?: number | undefined;
  target?: number | undefined;
  server?: number | undefined;
  /** A place in {@link OUTCOME_GROUPS}. */
  outcome?: number | undefined;
  /** First bucket of the time range. */
  from?: number | undefined;
  /** Last bucket of the time range. */
  to?: number | undefined;
  /** Text that a single record must hold. */
  text: string;
}

/** The choice, and those who want to know when it changes. */
export class State {
  readonly model: ReportModel;
  choice: Choice = { text: '' };
  readonly #listeners: (() => void)[] = [];

  constructor(model: ReportModel) {
    this.model = model;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  change(part: Partial<Choice>): void {
    this.choice = { ...this.choice, ...part };
    for (const listener of this.#listeners) listener();
  }

  /** Chooses a value, or lets go of it if it was chosen already. */
  toggle(field: Facet | 'outcome', value: number): void {
    this.change({ [field]: this.choice[field] === value ? undefined : value });
  }

  reset(): void {
    this.choice = { text: '' };
    this.change({});
  }

  get narrowed(): boolean {
    const { text, ...rest } = this.choice;
    return text !== '' || Object.values(rest).some((value) => value !== undefined);
  }
}
