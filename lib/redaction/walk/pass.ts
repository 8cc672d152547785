import type { Truncation } from '../../schema/record.js';
import type { Hider } from '../detectors/detector.js';
import type { RedactionContext } from '../policy/options.js';
import type { Policy } from '../policy/policy.js';
import { isMarker, REDACTED } from '../text/replacement.js';
import { wellFormed } from './strings.js';

/** Secrets that are looked for elsewhere, once they are known; shorter ones would hit common words. */
const MAX_ECHOES = 64;
const SHORTEST_ECHO = 8;
const LONGEST_ECHO = 4_096;
/** Units that every field may have searched, whatever those before it took. */
const FIELD_UNITS = 256 * 1024;

const BASIC = /^(?:Basic +)?([A-Za-z0-9+/]{8,1024}={0,2})$/i;
/** A user and a password, in signs that can be read. */
const PASSWORD = /^[\x20-\x7e]{0,128}?:([\x20-\x7e]{8,})$/;

/** The walk, handed in from above so that texts can have what stands in them walked. */
export type Walk = (value: unknown, pass: Pass, state: undefined) => unknown;

/** The state of redacting one record: what is left of its bounds, where the walk stands, what it has changed and cut. */
export class Pass {
  readonly policy: Policy;
  readonly context: RedactionContext;
  wholeUris = false;
  /** Objects that the walk is inside of. */
  readonly ancestors: object[] = [];
  /** Keys that lead to where the walk stands. */
  readonly path: string[] = [];
  readonly cuts: Truncation[] = [];
  /** Secrets that were found, in whatever way: hidden wherever else in the record they stand, as in an error that quotes one. */
  readonly echoes: string[] = [];
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
  readonly walk: Walk;
  #hider: Hider | undefined;

  constructor(policy: Policy, context: RedactionContext, walk: Walk) {
    this.walk = walk;
    this.policy = policy;
    this.context = context;
    this.scanLeft = policy.limits.scanUnits;
  }

  /** What detectors work with; most records need none. */
  get hider(): Hider {
    return (this.#hider ??= hiderOf(this));
  }

  /** What stands in the place of a secret; a marker is given back as it is. */
  hide(secret: string, mask = false, plain = false): string {
    if (isMarker(secret)) return secret;
    this.changes++;
    if (!plain) this.giveAway(secret);
    return mask ? REDACTED : this.policy.replacer.stand(secret);
  }

  /** Begins a field of its own: the bounds of output hold for each, then for the whole. */
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

  /** Remembers a secret for {@link Pass.echoes}. */
  giveAway(secret: string): void {
    if (isMarker(secret) || this.echoes.includes(secret)) return;
    for (const form of formsOf(secret))
      if (this.echoes.length < MAX_ECHOES && form.length >= SHORTEST_ECHO && form.length <= LONGEST_ECHO)
        this.echoes.push(form);
  }

  /** Remembers secrets that are known beforehand, however many others there are. */
  know(secrets: readonly string[] = [], sessionId?: string): void {
    for (const secret of sessionId === undefined ? secrets : [...secrets, sessionId])
      if (secret.length >= SHORTEST_ECHO && !this.echoes.includes(secret)) this.echoes.push(secret);
  }

  /** Whether the output is as large as a record can be. */
  get full(): boolean {
    return this.units > this.policy.limits.totalBytes;
  }
}

/** A secret as it is, as it stands in a URI, and the password of `Basic` credentials (RFC 7617). */
function formsOf(secret: string): string[] {
  const forms = [secret];
  if (secret.length > LONGEST_ECHO) return forms;
  if (!/^[\w.~-]*$/.test(secret)) forms.push(encodeURIComponent(wellFormed(secret)));
  const basic = BASIC.exec(secret)?.[1];
  const [, password] =
    basic === undefined ? [] : (PASSWORD.exec(Buffer.from(basic, 'base64').toString()) ?? []);
  if (password !== undefined) forms.push(password);
  return forms;
}

/** Its functions stand alone, since detectors take them off it. */
function hiderOf(pass: Pass): Hider {
  return {
    hide: (secret, mask, plain) => pass.hide(secret, mask, plain),
    remember: (secret) => pass.giveAway(secret),
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
