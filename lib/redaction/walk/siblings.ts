import { isReference } from '../detectors/assignments/references.js';
import { redactArguments } from '../detectors/commands/commands.js';
import { KeyVerdict, Role, roleOf } from '../keys/keyNames.js';
import type { Pass } from './pass.js';
import { isMarker } from '../text/replacement.js';
import { GONE, hideValue, isSecretValue } from './scalars.js';

type Properties = Record<string, unknown>;

/** Words in the description of a form field beside its name: `Password field`, `#password-input`. */
const FIELD_WORDS =
  /(?:field|input|box|textbox|textfield|textarea|edit|entry|element|control|area|form|label|placeholder|prompt|locator|value|text|name|type|testid|test|data|aria|id|css|xpath)s?(?![a-z])/gi;
/** A longer name describes more than one field. */
const LONGEST_NAME = 256;
/** The most rows of a table that are read. */
const MAX_CELLS = 10_000;

/** Hides values that another property of the same object names as secret. The names of the properties tell their roles. */
export function hideByShape(out: Properties, roles: number, pass: Pass): void {
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
export function hideInWords(tool: string, words: readonly string[], pass: Pass): string[] {
  return redactArguments(tool, words, pass.detectorContext.hide) ?? [...words];
}

/** Whether a value is an array of strings. */
export function isTexts(value: unknown): value is string[] {
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
export function isFlatPairs(source: readonly unknown[], key: string | undefined): boolean {
  if (source.length < 4 || source.length % 2 !== 0 || source.length > 512) return false;
  let known = key !== undefined && /headers?$/i.test(key);
  for (let index = 0; index < source.length; index += 2) {
    const name = source[index];
    if (typeof name !== 'string' || !/^[A-Za-z][\w-]{0,63}$/.test(name)) return false;
    known ||= COMMON_HEADERS.test(name);
  }
  return known;
}
