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

/** One kind of secret: how it is called, what of it is found, where that is known from, and what a text must hold for it. */
export interface Detector {
  readonly name: DetectorName;
  /** What it finds, for the documentation. */
  readonly finds: string;
  /** The specification, or the public rules, that say how such a secret is written. */
  readonly source: string;
  /** Whether it is on unless the policy says otherwise. */
  readonly on: boolean;
  /** What a text must hold for it to be run; `names` are the words of the policy's key names. */
  readonly trigger: (names: readonly string[]) => Trigger;
  /** Puts markers in the places of secrets; gives back the same string where there is none. Absent where texts are walked. */
  readonly redact?: (text: string, context: DetectorContext) => string;
}

/** What a detector may ask for while it works on a text. */
export interface DetectorContext {
  /**
   * What stands in the place of a secret; with `mask` never a token. A marker is given back as it is. The secret is hidden
   * wherever else the record has it, unless it is `plain`: hidden for its place, and no secret by itself.
   */
  readonly hide: (secret: string, mask?: boolean, plain?: boolean) => string;
  /** Has a part of what is hidden be hidden elsewhere as well. */
  readonly remember?: ((secret: string) => void) | undefined;
  /** What a name says of its value. */
  readonly judge: (name: string) => KeyVerdict;
  /** Whether all query and fragment values of a URI are hidden, not only those of secret names. */
  readonly wholeUris: boolean;
  /** Whether the path of a URI is hidden as well, where `wholeUris` holds. */
  readonly uriPaths: boolean;
  /** Finds the words that the policy's names are told by; without it every word of a text is judged. */
  readonly names?: Automaton | undefined;
  /** How long each of these words is. */
  readonly nameLengths?: readonly number[] | undefined;
}

/** Collects the parts of a text that stay and those that are hidden. */
export class Rewriter {
  #out = '';
  #written = 0;
  /** Where the search goes on: what stands before it has been looked at. */
  done = 0;

  constructor(
    readonly text: string,
    private readonly context: DetectorContext,
  ) {}

  /** Hides what stands from `start` to `end`; the search goes on at `next`. Parts are hidden in the text's order. */
  hide(start: number, end: number, mask = false, next = end): void {
    if (start < this.#written) return;
    this.#out += this.text.slice(this.#written, start) + this.context.hide(this.text.slice(start, end), mask);
    this.#written = end;
    this.done = Math.max(this.done, next);
  }

  /** The text with marks in the places of what was hidden; the same string where nothing was. */
  toString(): string {
    return this.#written === 0 ? this.text : this.#out + this.text.slice(this.#written);
  }
}

/** Data of one field that the law protects and that no default hides, switched on by name. */
export type PackName = 'phi' | 'contact' | 'finance' | 'nationalId';

/** A detector of a pack: on with its pack, and not by itself. */
export type PackDetector = Omit<Detector, 'name' | 'on'> & { readonly name: string };

/** Key names and detectors that belong together. */
export interface Pack {
  readonly name: PackName;
  /** Packs that come with it. */
  readonly includes: readonly PackName[];
  /** Names of keys whose values are hidden. */
  readonly keys: readonly string[];
  readonly detectors: readonly PackDetector[];
}
