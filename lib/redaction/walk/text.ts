import { redactBase64, redactJson } from './embedded.js';
import { INVISIBLE, SURROGATE, withoutInvisible } from '../text/prefilter.js';
import type { Pass } from './pass.js';
import { hideEchoes } from './echoes.js';
import { mapBetweenMarkers } from '../text/replacement.js';

/** Of longer texts it is not asked first whether they are clean: they are looked at when they are searched. */
const QUICK_UNITS = 1_024;

/** Short texts that were clean are remembered, so many of them: names, states and units come again from call to call. */
const REMEMBERED_UNITS = 48;
const MOST_REMEMBERED = 4_096;

/** Whether a text can be kept as it is, told at little cost; false says nothing. */
export function isClean(text: string, { policy, echoes }: Pass): boolean {
  if (!policy.quick || echoes.length > 0 || text.length > QUICK_UNITS) return false;
  if (text.length > REMEMBERED_UNITS) return policy.look(text) === 0;
  const { clean } = policy;
  if (clean.has(text)) return true;
  if (policy.look(text) !== 0) return false;
  if (clean.size >= MOST_REMEMBERED) clean.clear();
  clean.add(text);
  return true;
}

/** Rounds after which a text counts as redacted; what hides one secret can show another, rarely twice. */
const MAX_ROUNDS = 8;

/** A well-formed text with every secret in it replaced; the same string where there is none. */
export function redactText(text: string, pass: Pass): string {
  let out = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = out;
    out = redactOnce(before, pass);
    if (out === before) break;
  }
  return out;
}

function redactOnce(text: string, pass: Pass): string {
  const { patterns, look } = pass.policy;
  const holds = look(text);
  let out = (holds & ~SURROGATE) === 0 ? text : searched(text, holds, pass);
  if ((holds & INVISIBLE) !== 0) out = searchVisible(out, pass);
  out = hideEchoes(out, pass);
  for (const pattern of patterns)
    out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.hider.hide));
  return out;
}

/** What a text shows to its reader, searched as well: a secret that invisible characters part would not be known. */
function searchVisible(text: string, pass: Pass): string {
  const visible = withoutInvisible(text);
  const redacted = searched(visible, pass.policy.look(visible), pass);
  return redacted === visible ? text : redacted;
}

/** The text after each detector that it holds something for. */
function searched(text: string, holds: number, pass: Pass): string {
  const { detectors } = pass.policy;
  const embedded = detectors.findIndex(({ name }) => name === 'embedded');
  const opened = embedded !== -1 && (holds & (1 << embedded)) !== 0;
  let out = opened ? redactJson(text, pass) : text;
  detectors.forEach(({ redact }, bit) => {
    if (redact !== undefined && (holds & (1 << bit)) !== 0) out = redact(out, pass.hider);
  });
  return opened ? redactBase64(out, pass, redactText) : out;
}
