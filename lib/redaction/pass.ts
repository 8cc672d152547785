import type { Truncation } from '../schema/record.js';
import type { Hider } from './hider.js';
import type { KeyVerdict } from './keys.js';
import type { RedactionContext } from './options.js';
import type { Policy } from './policy.js';
import { isMarker, REDACTED } from './replacer.js';

/** Cuts that get an entry of their own in `truncated`; further ones are marked in place only. */
const MAX_CUTS = 16;

/** The state of redacting one record: what is left of its bounds, where the walk stands, what it has changed and cut. */
export class Pass implements Hider {
  readonly policy: Policy;
  readonly context: RedactionContext;
  readonly uriPaths: boolean;
  wholeUris = false;
  /** Objects that the walk is inside of. */
  readonly ancestors: object[] = [];
  /** Keys that lead to where the walk stands. */
  readonly path: string[] = [];
  readonly cuts: Truncation[] = [];
  /** Redactions and cuts so far: what tells whether a text within a text has to be written anew. */
  changes = 0;
  /** Output so far, in UTF-16 code units: never more than the bytes that the record's line will have. */
  units = 0;
  /** What numbers can take up on the line beyond that. */
  slack = 0;
  /** Whether a key stands in the output that is not what it was, so that another may collide with it. */
  renamed = false;
  /** Units that may still be searched for secrets. */
  scanLeft: number;
  /** How many texts within texts the walk is inside of. */
  nesting = 0;

  /** Walks a value that was found inside a text. */
  readonly walkEmbedded: (value: unknown) => unknown;

  constructor(policy: Policy, context: RedactionContext, walkEmbedded: (value: unknown) => unknown) {
    this.walkEmbedded = walkEmbedded;
    this.policy = policy;
    this.context = context;
    this.uriPaths = policy.uriPaths;
    this.scanLeft = policy.limits.scanUnits;
  }

  readonly judge = (name: string): KeyVerdict => this.policy.keys(name).verdict;

  /** An own property, since detectors take it off the pass. */
  readonly hide = (secret: string, mask = false): string => {
    if (isMarker(secret)) return secret;
    this.changes++;
    return mask ? REDACTED : this.policy.replacer.stand(secret);
  };

  /** Whether the output is as large as a record can be. */
  get full(): boolean {
    return this.units > this.policy.limits.totalBytes;
  }

  /** Notes that something was cut at the place where the walk stands, or at a key below it. */
  cut(key: string | undefined, sizes: Omit<Truncation, 'path'>): void {
    this.changes++;
    if (this.cuts.length >= MAX_CUTS) return;
    const steps = key === undefined ? this.path : [...this.path, key];
    this.cuts.push({ path: steps.join('.').slice(0, 256), ...sizes });
  }
}
