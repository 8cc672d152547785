import type { Truncation } from '../../schema/record.js';
import type { KeyFacts } from '../keys/keyNames.js';
import type { Pass } from './pass.js';
import { untear } from '../text/replacement.js';
import { redactText } from './text.js';
import { wellFormed } from '../text/unicode.js';

/** Code units kept of a key, and of the path to a cut. */
const NAME_UNITS = 256;
/** Cuts that get an entry of their own in `truncated`; further ones are marked in place only. */
const MAX_CUTS = 16;

/** A key as it can stand in a record: redacted, well-formed and cut. What is found to be plain is remembered so. */
export function keepName(key: string, facts: KeyFacts, pass: Pass): string {
  if (facts.plain) return key;
  const name = cleanName(key, pass);
  facts.plain = name === key && key !== '__proto__' && pass.echoes.length === 0;
  return name;
}

function cleanName(key: string, pass: Pass): string {
  const name = redactText(wellFormed(key), pass);
  return name.length > NAME_UNITS ? `${untear(wellFormed(name.slice(0, NAME_UNITS - 1)))}…` : name;
}

/** Notes that something was cut at the place where the walk stands, or at a key below it. */
export function noteCut(key: string | undefined, sizes: Omit<Truncation, 'path'>, pass: Pass): void {
  pass.changes++;
  if (pass.cuts.length >= MAX_CUTS) return;
  const steps = key === undefined ? pass.path : [...pass.path, key];
  const path = steps.map((step) => cleanName(step, pass)).join('.');
  pass.cuts.push({ path: wellFormed(path.slice(0, NAME_UNITS)), ...sizes });
}
