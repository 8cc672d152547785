import type { KeyVerdict } from './keys.js';

/** What a detector may ask for while it works on a text. */
export interface Hider {
  /** What stands in the place of a secret; with `mask` never a token. A marker is given back as it is. */
  readonly hide: (secret: string, mask?: boolean) => string;
  /** What a name says of its value. */
  readonly judge: (name: string) => KeyVerdict;
  /** Whether all query and fragment values of a URI are hidden, not only those of secret names. */
  readonly wholeUris: boolean;
  /** Whether the path of a URI is hidden as well, where `wholeUris` holds. */
  readonly uriPaths: boolean;
}
