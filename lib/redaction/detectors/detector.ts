import type { Trigger } from '../text/prefilter.js';
import type { Hider } from './hider.js';

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
  readonly redact?: (text: string, hider: Hider) => string;
}
