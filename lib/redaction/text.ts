import { redactBase64, redactJson } from './embedded.js';
import type { Pass } from './pass.js';
import { mapBetweenMarkers } from './replacer.js';
import { looksClean } from './suspicion.js';

/** Longer texts are not worth a look at each character first. */
const QUICK_UNITS = 1_024;

/** Whether a text can be kept as it is, told at little cost; false says nothing. */
export function isClean(text: string, { policy }: Pass): boolean {
  return policy.quick && text.length <= QUICK_UNITS && looksClean(text);
}

/** A well-formed text with every secret in it replaced; the same string where there is none. */
export function redactText(text: string, pass: Pass): string {
  if (isClean(text, pass)) return text;
  const { detectors, patterns, on } = pass.policy;
  const embedded = on.has('embedded');
  let out = embedded ? redactJson(text, pass) : text;
  for (const detector of detectors) out = detector(out, pass);
  if (embedded) out = redactBase64(out, pass, redactText);
  for (const pattern of patterns) out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.hide));
  return out;
}
