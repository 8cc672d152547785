import { createHash } from 'node:crypto';
import { canonicalJson } from '../schema/canonicalJson.js';

/** A tool's definition, as far as it is remembered. */
export interface Definition {
  /** SHA-256 (hex) of the definition in canonical JSON, or {@link UNREADABLE}. */
  readonly fingerprint: string;
  /** The first digits of each field's SHA-256, which show later which fields differ. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The fingerprint of a definition that has no canonical JSON, because it is nested too deep. */
export const UNREADABLE = 'unreadable';

/** Hex digits kept of a field's digest. They name fields that differ; the fingerprint decides whether anything does. */
const FIELD_DIGITS = 16;

/** Further fields are not compared one by one: their names come from the server, and are kept. */
const MAX_FIELDS = 64;

/** What is remembered of a tool's definition as the client listed it. */
export function definitionOf(tool: object): Definition {
  const fields = Object.create(null) as Record<string, string>;
  try {
    const fingerprint = sha256(canonicalJson(tool));
    for (const key of Object.keys(tool).slice(0, MAX_FIELDS)) {
      const value: unknown = Reflect.get(tool, key);
      if (value !== undefined) fields[key] = sha256(canonicalJson(value)).slice(0, FIELD_DIGITS);
    }
    return { fingerprint, fields };
  } catch {
    return { fingerprint: UNREADABLE, fields };
  }
}

/** The names of the fields that were added, removed or given another value. */
export function differingFields(before: Definition, after: Definition): string[] {
  const names = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)]);
  return [...names].filter((name) => before.fields[name] !== after.fields[name]).sort();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
