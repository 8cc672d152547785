import { KeyVerdict } from '../keys/keyNames.js';
import { DROPPED, isMoreMarker, Marker, moreMarker } from '../text/replacement.js';
import { keepName, noteCut } from './strings.js';
import { defineUnique, open, read, type Opened } from './objects.js';
import type { RedactionContext } from '../policy/options.js';
import { Pass } from './pass.js';
import { isEnd, stepInto, type PathState } from '../policy/paths.js';
import type { Policy } from '../policy/policy.js';
import { isTool } from '../detectors/commands/tools.js';
import { GONE, hideValue, isSecretValue, keepScalar } from './scalars.js';
import { hideByShape, hideInWords, isFlatPairs, isTexts } from './siblings.js';

/** The state to redact one record or value with. */
export function newPass(policy: Policy, context: RedactionContext): Pass {
  return new Pass(policy, context, walk);
}

/**
 * A copy of any value with every secret replaced. It consists of plain objects, arrays and scalars and keeps the limits. The walk
 * never throws, never changes its argument and reads each property once.
 */
export function walk(value: unknown, pass: Pass, state: PathState | undefined): unknown {
  return isObject(value) ? walkObject(value, pass, state) : keepScalar(value, undefined, pass);
}

function walkObject(source: object, pass: Pass, state: PathState | undefined): unknown {
  const { ancestors, policy } = pass;
  if (ancestors.includes(source)) return Marker.circular;
  if (ancestors.length >= policy.limits.depth) {
    noteCut(undefined, {}, pass);
    return Marker.depth;
  }
  ancestors.push(source);
  pass.units += 2;
  const kept = walkOpened(open(source, policy.limits.breadth), pass, state);
  ancestors.pop();
  return kept;
}

function walkOpened(opened: Opened, pass: Pass, state: PathState | undefined): unknown {
  if (opened.kind === 'array') return walkArray(opened.source, opened.total, pass, state);
  if (opened.kind === 'object') return walkProperties(opened.source, opened.keys, opened.total, pass, state);
  return walk(opened.value, pass, state);
}

function walkProperties(
  source: object,
  keys: readonly string[],
  total: number,
  pass: Pass,
  state: PathState | undefined,
): unknown {
  const { breadth } = pass.policy.limits;
  const end = total > breadth ? breadth - 1 : total;
  const out: Record<string, unknown> = {};
  let index = 0;
  let roles = 0;
  for (; index < end && !pass.full; index++) {
    const key = keys[index] ?? '';
    roles |= keepEntry(out, key, read(source, key), pass, state);
  }
  if (index < total) {
    noteCut(undefined, { original_entries: total }, pass);
    define(out, '…', moreMarker(total - index), pass);
  }
  hideByShape(out, roles, pass);
  return out;
}

/** Copies an entry. Returns the {@link Role} of the property. */
function keepEntry(
  out: Record<string, unknown>,
  key: string,
  value: unknown,
  pass: Pass,
  state: PathState | undefined,
): number {
  const facts = pass.policy.keys(key);
  const name = keepName(key, facts, pass);
  // Without the secret in it, a key can match a name that it did not match before.
  const { verdict } = name === key || facts.verdict !== KeyVerdict.keep ? facts : pass.policy.keys(name);
  const below = state === undefined ? undefined : stepInto(state, key);
  const kept = keepValue(value, key, pass, below, verdict);
  if (kept === undefined || kept === GONE) return facts.role;
  pass.units += name.length + 4;
  if (name === key && key !== '__proto__' && !pass.renamed) out[key] = kept;
  else define(out, name, kept, pass);
  return facts.role;
}

/** Defines a property under a name that was changed or is `__proto__`. */
function define(out: object, name: string, value: unknown, pass: Pass): void {
  pass.renamed = true;
  defineUnique(out, name, value);
}

function keepValue(
  value: unknown,
  key: string,
  pass: Pass,
  state: PathState | undefined,
  verdict: KeyVerdict,
): unknown {
  if (isSecretValue(verdict, value) || (state !== undefined && isEnd(state))) {
    return hideValue(value, pass, verdict === KeyVerdict.mask);
  }
  if (!isObject(value)) return keepScalar(value, key, pass);
  pass.path.push(key);
  const kept = walkObject(value, pass, state);
  pass.path.pop();
  return kept;
}

function walkArray(
  source: readonly unknown[],
  total: number,
  pass: Pass,
  state: PathState | undefined,
): unknown[] {
  const end = total > pass.policy.limits.breadth ? pass.policy.limits.breadth - 1 : total;
  const out: unknown[] = [];
  const flat = isFlatPairs(source, pass.path.at(-1));
  let before: unknown;
  for (let index = 0; index < end && !pass.full; index++) {
    const value = read(source, index);
    const key = String(index);
    const below = state === undefined ? undefined : stepInto(state, key);
    const verdict = isMoreMarker(value) ? KeyVerdict.keep : verdictBy(before, index, flat ? 2 : total, pass);
    const kept = keepValue(value, key, pass, below, verdict);
    out.push(kept === GONE ? DROPPED : (kept ?? null));
    pass.units += 2;
    before = out[index];
  }
  if (typeof out[0] === 'string' && isTexts(out)) hideArguments(out, pass);
  if (out.length < total) {
    noteCut(undefined, { original_entries: total }, pass);
    out.push(moreMarker(total - out.length));
  }
  return out;
}

/** The verdict on an element by the element before it: `['--token', 'x']` in a command line, `['authorization', 'x']` as a pair. */
function verdictBy(before: unknown, index: number, total: number, { policy }: Pass): KeyVerdict {
  if (typeof before !== 'string' || (total !== 2 && !before.startsWith('-'))) return KeyVerdict.keep;
  return total === 2 && index % 2 !== 1 ? KeyVerdict.keep : policy.keys(before).verdict;
}

/** Hides the secrets in a command line as a list: `['docker', 'login', '-p', 'x']`. */
function hideArguments(out: string[], pass: Pass): void {
  const [tool = '', ...words] = out;
  if (isTool(tool)) out.splice(1, words.length, ...hideInWords(tool, words, pass));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
