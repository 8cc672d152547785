import { redactBase64, redactJson } from './embedded.js';
import type { Pass } from './pass.js';
import { mapBetweenMarkers } from './replacer.js';
import { looksClean } from './suspicion.js';

/** A well-formed text with every secret in it replaced; the same string where there is none. */
export function redactText(text: string, pass: Pass): string {
  const { detectors, patterns, on } = pass.policy;
  let out = text;
  if (on.has('email') || !looksClean(text)) {
    const embedded = on.has('embedded');
    if (embedded) out = redactJson(out, pass);
    for (const detector of detectors) out = detector(out, pass);
    if (embedded) out = redactBase64(out, pass, redactText);
  }
  for (const pattern of patterns) out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.hide));
  return out;
}
