import { KeyVerdict } from './keys.js';
import { isUuid, looksRandom } from './random.js';

/** A value that only its looks tell is at least so long. */
const SHORTEST_GUESS = 12;

/** Whether a key's verdict makes its value a secret. */
export function isSecretValue(verdict: KeyVerdict, value: unknown): boolean {
  if (verdict !== KeyVerdict.ifRandom) return verdict !== KeyVerdict.keep;
  return typeof value === 'string' && looksRandom(value, SHORTEST_GUESS) && !isUuid(value);
}
