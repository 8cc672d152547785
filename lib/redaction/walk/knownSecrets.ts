import { mapBetweenMarkers } from '../text/replacement.js';
import type { Pass } from './pass.js';

/** What is known beforehand of a record or a value that is to be redacted. */
export interface KnownSecrets {
  /** Secrets that are hidden wherever they stand. */
  readonly echoes?: readonly string[] | undefined;
  /** Places that hold one, each as the keys that lead there from the record on. */
  readonly places?: readonly (readonly string[])[] | undefined;
  /** The id of the session, as the protocol gave it: hidden wherever it stands, unless session ids are kept. */
  readonly sessionId?: string | undefined;
}

/** A text with every secret that is known by now hidden in it. */
export function hideEchoes(text: string, pass: Pass): string {
  let out = text;
  for (const secret of pass.echoes) {
    if (out.includes(secret))
      out = mapBetweenMarkers(out, (part) => part.replaceAll(secret, () => pass.hide(secret)));
  }
  return out;
}

/**
 * A redacted value with the secrets in it hidden that were only found behind them: `{ note: 'it was x', password: 'x' }`. Gives
 * back the same value where there are none.
 */
export function sweepEchoes(value: unknown, pass: Pass): unknown {
  if (pass.echoes.length === 0) return value;
  if (typeof value === 'string') return hideEchoes(value, pass);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return sweepItems(value, pass);
  const entries = Object.entries(value);
  const swept = entries.map(([key, item]) => [hideEchoes(key, pass), sweepEchoes(item, pass)] as const);
  const same = swept.every(([key, item], index) => key === entries[index]?.[0] && item === entries[index][1]);
  return same ? value : named(swept);
}

function sweepItems(items: readonly unknown[], pass: Pass): readonly unknown[] {
  const swept = items.map((item) => sweepEchoes(item, pass));
  return swept.every((item, index) => item === items[index]) ? items : swept;
}

/** As own properties whatever their names; numbered where two have become alike. */
function named(entries: readonly (readonly [string, unknown])[]): object {
  const out = {};
  for (const [key, value] of entries) {
    let unique = key;
    for (let count = 2; Object.hasOwn(out, unique); count++) unique = `${key} (${count})`;
    Object.defineProperty(out, unique, { value, enumerable: true, configurable: true, writable: true });
  }
  return out;
}
