import { KeyVerdict } from '../keys/keyNames.js';
import { looksSecret } from '../text/random.js';

/** Whether a key's verdict makes its value a secret. */
export function isSecretValue(verdict: KeyVerdict, value: unknown): boolean {
  if (verdict !== KeyVerdict.ifRandom) return verdict !== KeyVerdict.keep;
  return typeof value === 'string' && looksSecret(value);
}
