import type { Automaton } from '../text/automaton.js';
import type { KeyVerdict } from '../keys/keyNames.js';

/** What a detector may ask for while it works on a text. */
export interface Hider {
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
