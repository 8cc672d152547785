import type { Truncation } from '../../schema/record.js';
import type { DetectorContext } from '../detectors/detector.js';
import type { RedactionContext } from '../policy/options.js';
import type { Policy } from '../policy/policy.js';
import { isMarker, REDACTED } from '../text/replacement.js';
import { SecretTexts } from './knownSecrets.js';

/** Code units that every field may have searched, whatever the fields before it took. */
const FIELD_UNITS = 256 * 1024;

/** Walks a value. It is handed in from above, so that a text can have the JSON in it walked. */
export type Walk = (value: unknown, pass: Pass, state: undefined) => unknown;

/** The state of redacting one record: what is left of its limits, where the walk stands, what was found and cut. */
export class Pass {
  /** Whether all query and fragment values of URIs are hidden. */
  wholeUris = false;
  /** The objects that contain the walk's place. */
  readonly ancestors: object[] = [];
  /** The keys that lead to the walk's place. */
  readonly path: string[] = [];
  readonly cuts: Truncation[] = [];
  /** The secrets known so far. */
  readonly secrets = new SecretTexts(this);
  /** Redactions and cuts so far. They tell whether a text has to be replaced by what the walk of its JSON gave. */
  changes = 0;
  /** Output so far in UTF-16 code units; the record's line has at least as many bytes. */
  units = 0;
  /** Bytes that numbers and replacements may take on the line beyond {@link units}. */
  slack = 0;
  /** Whether a key of the output was changed, so that another key may collide with it. */
  renamed = false;
  /** Code units that may still be searched for secrets. */
  scanLeft: number;
  /** How many texts within texts contain the walk's place. */
  nesting = 0;
  #detectorContext: DetectorContext | undefined;

  constructor(
    readonly policy: Policy,
    readonly context: RedactionContext,
    readonly walk: Walk,
  ) {
    this.scanLeft = policy.limits.scanUnits;
  }

  /** What detectors are given. It is made on first use, since most records need none. */
  get detectorContext(): DetectorContext {
    return (this.#detectorContext ??= detectorContextOf(this));
  }

  /** What replaces a secret; see {@link DetectorContext.hide}. */
  hide(secret: string, mask = false, plain = false): string {
    if (isMarker(secret)) return secret;
    this.changes++;
    if (!plain) this.secrets.add(secret);
    return mask ? REDACTED : this.policy.replacer.stand(secret);
  }

  /** Begins a field: the limits of output hold for each field, then for the whole record. */
  startField(): void {
    this.units = 0;
    this.slack = 0;
    this.scanLeft = Math.max(this.scanLeft, Math.min(FIELD_UNITS, this.policy.limits.scanUnits));
  }

  /** Ends a field, in whatever state a failure has left the walk. */
  endField(): void {
    this.wholeUris = false;
    // Setting a length is a slow call even where it changes nothing, and most fields are texts.
    if (this.ancestors.length > 0) this.ancestors.length = 0;
    this.nesting = 0;
  }

  /** Whether the output is as large as a record can be. */
  get full(): boolean {
    return this.units > this.policy.limits.totalBytes;
  }
}

/** Its functions are bound to the pass, because detectors destructure the context. */
function detectorContextOf(pass: Pass): DetectorContext {
  return {
    hide: (secret, mask, plain) => pass.hide(secret, mask, plain),
    remember: (secret) => pass.secrets.add(secret),
    judge: (name) => pass.policy.keys(name).verdict,
    get wholeUris() {
      return pass.wholeUris;
    },
    uriPaths: pass.policy.uriPaths,
    get names() {
      return pass.policy.words();
    },
    nameLengths: pass.policy.wordLengths,
  };
}
