import { toUSVString } from 'node:util';
import { isMarker, mapBetweenMarkers, REDACTED } from '../text/replacement.js';
import type { Truncation } from '../../schema/record.js';
import type { DetectorContext } from '../detectors/detector.js';
import type { RedactionContext } from '../policy/options.js';
import type { Policy } from '../policy/policy.js';

/** What is known of the secrets in a record or a value before it is redacted. */
export interface KnownSecrets {
  /** Secrets that are hidden wherever they occur. */
  readonly texts?: readonly string[] | undefined;
  /** Paths of values that are secret, each as the keys that lead there from the record. */
  readonly places?: readonly (readonly string[])[] | undefined;
  /** The session id as the server issued it. It is hidden wherever it occurs, unless the policy keeps session ids. */
  readonly sessionId?: string | undefined;
}

/** How many found secrets are searched for in the rest of a record. */
const MAX_SECRETS = 64;
/** A shorter secret is not searched for: it would also hit ordinary words. */
const SHORTEST = 8;
const LONGEST = 4_096;

/** `Basic` credentials (RFC 7617), with or without the scheme. */
const BASIC = /^(?:Basic +)?([A-Za-z0-9+/]{8,1024}={0,2})$/i;
/** The user and the password that they decode to, in printable ASCII. */
const USER_AND_PASSWORD = /^[\x20-\x7e]{0,128}?:([\x20-\x7e]{8,})$/;

/**
 * The secrets of one record that are already known. They are hidden wherever else they occur: an error message that quotes a
 * password must not show what the arguments hide.
 */
class SecretTexts {
  readonly #texts: string[] = [];
  /** The last text in which none of so many secrets occurred: a text is searched in rounds, the last of which changes nothing. */
  #clean = '';
  #cleanOf = 0;

  /** @param replacer Gives what replaces a secret. */
  constructor(private readonly replacer: { hide(secret: string): string }) {}

  get size(): number {
    return this.#texts.length;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#texts.values();
  }

  /** Adds a secret that was found, in every form in which it may be repeated. */
  add(secret: string): void {
    if (isMarker(secret) || this.#texts.includes(secret)) return;
    for (const form of formsOf(secret))
      if (this.size < MAX_SECRETS && form.length >= SHORTEST && form.length <= LONGEST)
        this.#texts.push(form);
  }

  /** Adds secrets that were known beforehand, however many there are. */
  addKnown(secrets: readonly string[] = []): void {
    for (const secret of secrets)
      if (secret.length >= SHORTEST && !this.#texts.includes(secret)) this.#texts.push(secret);
  }

  /** The text with every known secret replaced. */
  hideIn(text: string): string {
    if (this.size === this.#cleanOf && text === this.#clean) return text;
    let out = text;
    for (const secret of this.#texts) {
      if (out.includes(secret))
        out = mapBetweenMarkers(out, (part) => part.replaceAll(secret, () => this.replacer.hide(secret)));
    }
    if (out === text) {
      this.#clean = text;
      this.#cleanOf = this.size;
    }
    return out;
  }

  /**
   * A redacted value with the secrets replaced that were found only after it had been passed, as in
   * `{ note: 'it was x', password: 'x' }`. Returns the same value if there are none.
   */
  hideWithin(value: unknown): unknown {
    if (this.size === 0) return value;
    if (typeof value === 'string') return this.hideIn(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items = value.map((item) => this.hideWithin(item));
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    const entries = Object.entries(value);
    const hidden = entries.map(([key, item]) => [this.hideIn(key), this.hideWithin(item)] as const);
    const same = hidden.every(
      ([key, item], index) => key === entries[index]?.[0] && item === entries[index][1],
    );
    return same ? value : objectOf(hidden);
  }
}

/** A secret as it is, percent-encoded as in a URI, and the password of `Basic` credentials. */
function formsOf(secret: string): string[] {
  const forms = [secret];
  if (secret.length > LONGEST) return forms;
  if (!/^[\w.~-]*$/.test(secret)) forms.push(encodeURIComponent(toUSVString(secret)));
  const encoded = BASIC.exec(secret)?.[1];
  const [, password] =
    encoded === undefined ? [] : (USER_AND_PASSWORD.exec(Buffer.from(encoded, 'base64').toString()) ?? []);
  if (password !== undefined) forms.push(password);
  return forms;
}

/** An object with own properties of these names, `__proto__` included. A number tells names apart that have become equal. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const out = {};
  for (const [key, value] of entries) defineUnique(out, key, value);
  return out;
}

/** Defines an own property under this name, or under `name (2)` and so on if it is taken. */
export function defineUnique(out: object, name: string, value: unknown): void {
  let unique = name;
  for (let count = 2; Object.hasOwn(out, unique); count++) unique = `${name} (${count})`;
  Object.defineProperty(out, unique, { value, enumerable: true, configurable: true, writable: true });
}

/** Code units that every field may have searched, whatever the fields before it took. */
const FIELD_UNITS = 256 * 1024;

/** Walks a value. It is handed in from above, so that a text can have the JSON in it walked. */
type Walk = (value: unknown, pass: Pass, state: undefined) => unknown;

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
