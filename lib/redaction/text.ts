import { redactBase64, redactJson } from './embedded.js';
import type { Pass } from './pass.js';
import { mapBetweenMarkers } from './replacer.js';
import { looksClean } from './suspicion.js';

/** Longer texts are not worth a look at each character first. */
const QUICK_UNITS = 1_024;

/** Whether a text can be kept as it is, told at little cost; false says nothing. */
export function isClean(text: string, { policy, echoes }: Pass): boolean {
  return policy.quick && echoes.length === 0 && text.length <= QUICK_UNITS && looksClean(text);
}

/** Rounds after which a text counts as redacted; what hides one secret can show another, rarely twice. */
const MAX_ROUNDS = 8;

/** A well-formed text with every secret in it replaced; the same string where there is none. */
export function redactText(text: string, pass: Pass): string {
  if (isClean(text, pass)) return text;
  let out = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = out;
    out = redactOnce(before, pass);
    if (out === before) break;
  }
  return out;
}

function redactOnce(text: string, pass: Pass): string {
  const { detectors, patterns, on } = pass.policy;
  const embedded = on.has('embedded');
  let out = embedded ? redactJson(text, pass) : text;
  for (const detector of detectors) out = detector(out, pass.hider);
  if (embedded) out = redactBase64(out, pass, redactText);
  for (const secret of pass.echoes) {
    if (out.includes(secret))
      out = mapBetweenMarkers(out, (part) => part.replaceAll(secret, () => pass.hide(secret)));
  }
  for (const pattern of patterns)
    out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.hider.hide));
  return out;
}
