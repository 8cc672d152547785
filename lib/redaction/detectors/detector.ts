import type { KeyVerdict } from '../keys/keyNames.js';
import type { Automaton } from '../text/automaton.js';
import type { Trigger } from '../text/prefilter.js';

/** A built-in detector, by its name. */
export type DetectorName =
  | 'privateKey'
  | 'jwt'
  | 'uri'
  | 'authorization'
  | 'command'
  | 'assignment'
  | 'providerKey'
  | 'embedded'
  | 'ssn'
  | 'card'
  | 'email';

/** Finds one kind of secret in texts. */
export interface Detector {
  readonly name: DetectorName;
  /** What it finds, for the documentation. */
  readonly finds: string;
  /** The specification or the public rules that define how such a secret is written. */
  readonly source: string;
  /** Whether it is on unless the policy says otherwise. */
  readonly on: boolean;
  /** What a text must contain for the detector to find anything. `names` are the literals of the policy's key names. */
  readonly trigger: (names: readonly string[]) => Trigger;
  /** Returns the text with every secret replaced, or the same string if there is none. `embedded` has none: see `walk/strings.ts`. */
  readonly redact?: (text: string, context: DetectorContext) => string;
}

/** What a detector is given beside the text. */
export interface DetectorContext {
  /**
   * Returns what replaces a secret; with `mask` never a token. A marker is returned as it is. The secret is then hidden in the
   * rest of the record too, unless it is `plain`: hidden because of its place, such as the path of a URI.
   */
  readonly hide: (secret: string, mask?: boolean, plain?: boolean) => string;
  /** Hides a part of a secret in the rest of the record too, such as the password of a userinfo. */
  readonly remember?: ((secret: string) => void) | undefined;
  /** What the policy says of a value with this name. */
  readonly judge: (name: string) => KeyVerdict;
  /** Whether all query and fragment values of a URI are hidden, not only those of secret names. */
  readonly wholeUris: boolean;
  /** Whether the path of a URI is hidden as well, where `wholeUris` holds. */
  readonly uriPaths: boolean;
  /** Finds the literals of the policy's names. Undefined if a name is a regular expression: then every word is judged. */
  readonly names?: Automaton | undefined;
  /** The length of each of these literals. */
  readonly nameLengths?: readonly number[] | undefined;
}

/** Writes a text anew in which some stretches are replaced. */
export class Rewriter {
  #out = '';
  #written = 0;
  /** Where the search continues. */
  done = 0;

  constructor(
    readonly text: string,
    private readonly context: DetectorContext,
  ) {}

  /** Replaces the stretch from `start` to `end`; the search continues at `next`. Calls must be in the order of the text. */
  hide(start: number, end: number, mask = false, next = end): void {
    if (start < this.#written) return;
    this.#out += this.text.slice(this.#written, start) + this.context.hide(this.text.slice(start, end), mask);
    this.#written = end;
    this.done = Math.max(this.done, next);
  }

  /** The new text, or the same string if nothing was replaced. */
  toString(): string {
    return this.#written === 0 ? this.text : this.#out + this.text.slice(this.#written);
  }
}

/** A pack, by its name: data that the law protects and that is hidden only if the pack is on. */
export type PackName = 'phi' | 'contact' | 'finance' | 'nationalId';

/** A detector of a pack. It is on whenever its pack is. */
export type PackDetector = Omit<Detector, 'name' | 'on'> & { readonly name: string };

/** Key names and detectors that belong together. */
export interface Pack {
  readonly name: PackName;
  /** Packs that are on with it. */
  readonly includes: readonly PackName[];
  /** Names of keys whose values are hidden. */
  readonly keys: readonly string[];
  readonly detectors: readonly PackDetector[];
}
