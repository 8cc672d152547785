import type { FilterOptions } from '../query/filter.js';
import type { CLAUSES, Framework } from './clauses.js';

/** One thing that auditors ask for, and how far a log of this kind answers it. */
export interface Control {
  /** Which clauses of which framework it answers to. What they ask is in `CLAUSES`. */
  readonly asked: { readonly [F in Framework]?: readonly (keyof (typeof CLAUSES)[F])[] };
  /** A short name, also of the file with the result. */
  readonly id: string;
  readonly title: string;
  /** The records that speak of it; absent where no query can show it. */
  readonly query?: FilterOptions;
  /** What the log shows; where the query finds nothing, it shows nothing. */
  readonly shows: string;
  /** What it cannot show. */
  readonly cannot: string;
  /** The evidence of other systems that is needed beside it. */
  readonly elsewhere: string;
}
