import { KeyVerdict, Role, roleOf } from '../keys/keyNames.js';
import { DROPPED, isMoreMarker, Marker, moreMarker, isMarker } from '../text/replacement.js';
import { keepName, noteCut } from './strings.js';
import { defineUnique, Pass } from './pass.js';
import { open, read, GONE, hideValue, isSecretValue, keepScalar, type Opened } from './values.js';
import type { RedactionContext } from '../policy/options.js';
import { isEnd, stepInto, type PathState } from '../policy/fields.js';
import type { Policy } from '../policy/policy.js';
import { isTool, redactArguments } from '../detectors/commands.js';
import { isReference } from '../detectors/assigned.js';

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

type Properties = Record<string, unknown>;

/** Words in the description of a form field beside its name: `Password field`, `#password-input`. */
const FIELD_WORDS =
  /(?:field|input|box|textbox|textfield|textarea|edit|entry|element|control|area|form|label|placeholder|prompt|locator|value|text|name|type|testid|test|data|aria|id|css|xpath)s?(?![a-z])/gi;
/** A longer name describes more than one field. */
const LONGEST_NAME = 256;
/** The most rows of a table that are read. */
const MAX_CELLS = 10_000;

/** Hides values that another property of the same object names as secret. The names of the properties tell their roles. */
function hideByShape(out: Properties, roles: number, pass: Pass): void {
  if ((roles & Role.names) !== 0 && (roles & Role.value) !== 0) hideNamedValues(out, pass);
  if ((roles & Role.tool) !== 0 && (roles & Role.words) !== 0) hideInCommand(out, pass);
  if ((roles & Role.columns) !== 0 && (roles & Role.rows) !== 0) hideInTable(out, pass);
  if ((roles & Role.kind) !== 0 && (roles & Role.data) !== 0) hideSecretData(out, pass);
}

function withRole(out: Properties, role: number): string[] {
  return Object.keys(out).filter((key) => (roleOf(key) & role) !== 0);
}

/** Hides the value whose name is another property: `{ name: 'Authorization', value: 'x' }`, `{ element: 'Password field', text: 'x' }`. */
function hideNamedValues(out: Properties, pass: Pass): void {
  const verdict = verdictOfNames(out, pass);
  if (verdict === KeyVerdict.keep) return;
  for (const key of withRole(out, Role.value)) {
    const value = out[key];
    if (typeof value === 'object' && value !== null && key.toLowerCase() !== 'value') continue;
    if (!isSecretValue(verdict, value) || (typeof value === 'string' && isMarker(value))) continue;
    put(out, key, hideValue(value, pass, verdict === KeyVerdict.mask));
  }
}

function verdictOfNames(out: Properties, pass: Pass): KeyVerdict {
  let guessed: KeyVerdict = KeyVerdict.keep;
  for (const key of withRole(out, Role.names)) {
    const name = out[key];
    if (typeof name !== 'string' || name.length > LONGEST_NAME) continue;
    let { verdict } = pass.policy.keys(name);
    // The description of a form field has more words than its name.
    if (verdict === KeyVerdict.keep && FORM_NAMES.test(key)) {
      verdict = pass.policy.keys(name.replace(FIELD_WORDS, ' ')).verdict;
    }
    if (verdict === KeyVerdict.ifRandom) guessed = verdict;
    else if (verdict !== KeyVerdict.keep) return verdict;
  }
  return guessed;
}

const FORM_NAMES =
  /^(?:element|selector|label|placeholder|locator|xpath|css|target|name|id|field|question|prompt|aria|ref|title|input_?name|field_?name)$/i;

/** Hides the secrets in the arguments of a command: `{ command: 'mysql', args: ['-u', 'root', '-px'] }`. */
function hideInCommand(out: Properties, pass: Pass): void {
  for (const toolKey of withRole(out, Role.tool)) {
    const tool = out[toolKey];
    if (typeof tool !== 'string') continue;
    for (const key of withRole(out, Role.words)) {
      const words = out[key];
      if (isTexts(words)) out[key] = hideInWords(tool, words, pass);
    }
  }
}

/** The arguments of a tool with the secrets in them replaced. */
function hideInWords(tool: string, words: readonly string[], pass: Pass): string[] {
  return redactArguments(tool, words, pass.detectorContext.hide) ?? [...words];
}

/** Whether a value is an array of strings. */
function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Hides the columns of a table whose names are secret: `{ columns: ['user', 'password'], rows: [['ada', 'x']] }`. */
function hideInTable(out: Properties, pass: Pass): void {
  const names = withRole(out, Role.columns)
    .map((key) => out[key])
    .find((value) => Array.isArray(value));
  if (!Array.isArray(names)) return;
  const verdicts = names.map((name: unknown) => verdictOfColumn(name, pass));
  if (verdicts.every((verdict) => verdict === KeyVerdict.keep)) return;
  let cells = 0;
  for (const rows of withRole(out, Role.rows).map((key) => out[key])) {
    if (!Array.isArray(rows)) continue;
    for (const row of rows as unknown[]) {
      if (!Array.isArray(row) || row.length !== names.length || ++cells > MAX_CELLS) continue;
      verdicts.forEach((verdict, column) => {
        const value: unknown = row[column];
        if (!isSecretValue(verdict, value) || (typeof value === 'string' && isMarker(value))) return;
        const hidden = hideValue(value, pass, verdict === KeyVerdict.mask);
        row[column] = hidden === GONE ? pass.hide(String(value)) : hidden;
      });
    }
  }
}

function verdictOfColumn(column: unknown, pass: Pass): KeyVerdict {
  const name = typeof column === 'object' && column !== null && 'name' in column ? column.name : column;
  return typeof name === 'string' ? pass.policy.keys(name).verdict : KeyVerdict.keep;
}

/** Hides all data of a Kubernetes Secret. */
function hideSecretData(out: Properties, pass: Pass): void {
  if (out['kind'] !== 'Secret' && out['kind'] !== 'SealedSecret') return;
  for (const key of ['data', 'stringData']) {
    const data = out[key];
    if (typeof data !== 'object' || data === null || Array.isArray(data)) continue;
    for (const [name, value] of Object.entries(data as Properties)) {
      if (typeof value !== 'string' || isMarker(value)) continue;
      if (isReference(value, { quoted: true, name, code: false, after: '' })) continue;
      put(data as Properties, name, hideValue(value, pass, false));
    }
  }
}

function put(out: Properties, key: string, hidden: unknown): void {
  if (hidden === GONE) delete out[key];
  else out[key] = hidden;
}

/** Headers of which nearly every list contains one. */
const COMMON_HEADERS =
  /^(?:host|accept|user-agent|content-type|content-length|connection|accept-encoding|date|server)$/i;

/** Whether names and values alternate in a list, as in Node.js's raw headers: `['Host', 'a', 'X-Api-Key', 'x']`. */
function isFlatPairs(source: readonly unknown[], key: string | undefined): boolean {
  if (source.length < 4 || source.length % 2 !== 0 || source.length > 512) return false;
  let known = key !== undefined && /headers?$/i.test(key);
  for (let index = 0; index < source.length; index += 2) {
    const name = source[index];
    if (typeof name !== 'string' || !/^[A-Za-z][\w-]{0,63}$/.test(name)) return false;
    known ||= COMMON_HEADERS.test(name);
  }
  return known;
}
