import type { DraftRecord, Truncation } from '../schema/record.js';
import { AuditError } from '../errors.js';
import { decrypt, headerOf, JweError } from './jwe.js';
import type { KeyFolder } from './keyFolder.js';

/**
 * The fields whose values can be encrypted for the person whom they concern. The actor's id is encrypted for the actor, and the id of
 * the party that it acts for is encrypted for that party; all others are encrypted for the person whom the operation concerns.
 */
export const PERSONAL_FIELDS = [
  'actor_id',
  'on_behalf_of',
  'authority',
  'actor_chain',
  'commitments',
  'error.message',
  'data',
  'mcp.tool_arguments',
  'mcp.tool_result',
  'mcp.prompt_arguments',
  'mcp.resource_uri',
  'mcp.meta',
  'mcp.client_address',
  'mcp.http_headers',
  'mcp.oauth',
  'mcp.roots',
] as const;

/** One of {@link PERSONAL_FIELDS}. */
export type PersonalField = (typeof PERSONAL_FIELDS)[number];

/** Stands where a record must have a text, and that text was encrypted. */
const ENCRYPTED = '[ENCRYPTED]';
/** Stands where a record must have a text, and that text was withheld. */
export const WITHHELD = '[WITHHELD]';

type Fields = Record<string, unknown>;

/** Values that were taken out of a record, as the plaintext of its JWE has them. */
export interface TakenValues {
  /** As on record: `actor_id`, `data`, `resource`, … */
  [field: string]: unknown;
  mcp?: Fields;
  error?: Fields;
  truncated?: readonly Truncation[];
}

/** What is left of a record, and what was taken out of it. */
interface Split {
  readonly rest: DraftRecord;
  readonly taken: TakenValues;
  /** The dotted names of the fields that were taken out. */
  readonly fields: string[];
}

/** Takes the values of fields out of records. Made once for a list of fields. */
export class Splitter {
  readonly #top: ReadonlySet<string>;
  readonly #mcp: ReadonlySet<string>;
  readonly #message: boolean;

  /** @param fields without `actor_id` and `on_behalf_of`, which records keep in another form. */
  constructor(fields: readonly PersonalField[]) {
    this.#top = new Set(fields.filter((name) => !name.includes('.')));
    this.#mcp = new Set(fields.flatMap((name) => (name.startsWith('mcp.') ? [name.slice(4)] : [])));
    this.#message = fields.includes('error.message');
  }

  /**
   * The record is copied field by field: to delete fields of a copy would make it slow to encode. The copy has a place for `personal`
   * before the fields that are the same in all records of a process, which stand at the end of each line.
   */
  split(record: DraftRecord): Split {
    const taken: TakenValues = {};
    const fields: string[] = [];
    const isAboutTool = record.resource.startsWith('audit/tool-');
    const rest: Fields = {};
    for (const name in record) {
      const value = (record as unknown as Fields)[name];
      if (name === 'metadata') rest['personal'] = undefined;
      if (value === undefined || !this.#top.has(name) || (isAboutTool && name === 'data')) rest[name] = value;
      else {
        taken[name] = value;
        fields.push(name);
      }
    }
    if (record.mcp !== undefined) this.#splitMcp(record, rest, taken, fields);
    if (this.#message && record.error?.message !== undefined) {
      const { message, ...error } = record.error;
      taken.error = { message };
      rest['error'] = error;
      fields.push('error.message');
    }
    if (record.truncated !== undefined && fields.length > 0) splitCuts(record.truncated, rest, taken, fields);
    return { rest: rest as unknown as DraftRecord, taken, fields };
  }

  #splitMcp({ mcp, resource }: DraftRecord, rest: Fields, taken: TakenValues, fields: string[]): void {
    const kept: Fields = {};
    const out: Fields = {};
    const before = fields.length;
    for (const name in mcp) {
      const value = (mcp as unknown as Fields)[name];
      if (!this.#mcp.has(name)) kept[name] = value;
      else {
        out[name] = value;
        fields.push(`mcp.${name}`);
      }
    }
    if (fields.length === before) return;
    rest['mcp'] = kept;
    taken.mcp = out;
    const uri = out['resource_uri'];
    if (typeof uri !== 'string' || !resource.includes(uri)) return;
    taken['resource'] = resource;
    rest['resource'] = ENCRYPTED;
    fields.push('resource');
  }
}

/** What was cut of a value that was taken out: its hash would tell of the value for ever. */
function splitCuts(
  cuts: readonly Truncation[],
  rest: Fields,
  taken: TakenValues,
  fields: readonly string[],
): void {
  const isOf = (path: string) =>
    fields.some((name) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
  const own = cuts.filter(({ path }) => isOf(path));
  if (own.length === 0) return;
  const others = cuts.filter(({ path }) => !isOf(path));
  taken.truncated = own;
  if (others.length > 0) rest['truncated'] = others;
  else delete rest['truncated'];
}

/** Fields that values may be put back into. */
const TOP: ReadonlySet<string> = new Set([
  ...PERSONAL_FIELDS.filter((name) => !name.includes('.')),
  'resource',
]);
const OF_MCP: ReadonlySet<string> = new Set(
  PERSONAL_FIELDS.flatMap((name) => (name.startsWith('mcp.') ? [name.slice(4)] : [])),
);

/** Puts values back into a record, which is changed. Values of other fields than the known ones are left out. */
function putBack(record: Fields, values: unknown): void {
  if (!isObject(values)) return;
  for (const [name, value] of Object.entries(values)) if (TOP.has(name)) record[name] = value;
  const { mcp, error, truncated } = values;
  if (isObject(mcp)) {
    const known = Object.entries(mcp).filter(([name]) => OF_MCP.has(name));
    record['mcp'] = { ...(record['mcp'] as Fields | undefined), ...Object.fromEntries(known) };
  }
  if (isObject(error) && typeof error['message'] === 'string')
    record['error'] = { ...(record['error'] as Fields | undefined), message: error['message'] };
  if (Array.isArray(truncated))
    record['truncated'] = [
      ...((record['truncated'] as unknown[] | undefined) ?? []),
      ...(truncated as unknown[]),
    ];
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What became of values when a record was read with the keys: put back; erased, since the key was destroyed; of a key that this folder
 * does not know; or damaged, where they were changed, or belong to another record.
 */
type ValuesState = 'opened' | 'erased' | 'no_key' | 'damaged';

/** A record with the values put back whose keys are here. */
interface Opened {
  readonly record: Readonly<Record<string, unknown>>;
  /** What is wrong with values that are damaged. */
  readonly faults: readonly string[];
}

/**
 * Puts encrypted values back into a record. Each entry of `personal` then says what became of it (`state`) in place of the JWE.
 *
 * @throws AuditError when the folder cannot be read.
 */
export function openRecord(record: Readonly<Record<string, unknown>>, keys: KeyFolder): Opened {
  const { personal, record_id: id } = record;
  if (!Array.isArray(personal)) return { record, faults: [] };
  const opened: Record<string, unknown> = { ...record };
  const faults: string[] = [];
  opened['personal'] = personal.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return entry;
    const { jwe, ...rest } = entry as Record<string, unknown>;
    if (typeof jwe !== 'string') return entry;
    const { state, values, time, fault } = openValues(jwe, id, keys);
    if (values !== undefined) putBack(opened, values);
    if (fault !== undefined) faults.push(fault);
    return {
      ...rest,
      state,
      ...(time !== undefined && { erased_at: time }),
      ...(state === 'no_key' && { jwe }),
    };
  });
  return { record: opened, faults };
}

interface OpenedValues {
  readonly state: ValuesState;
  readonly values?: unknown;
  readonly time?: string | undefined;
  readonly fault?: string;
}

function openValues(jwe: string, recordId: unknown, keys: KeyFolder): OpenedValues {
  try {
    const { kid = '', record_id: boundTo } = headerOf(jwe);
    const key = keys.find(kid);
    if (key === undefined) {
      const erasure = keys.erasureOf(kid);
      return erasure === undefined ? { state: 'no_key' } : { state: 'erased', time: erasure.time };
    }
    const values: unknown = JSON.parse(decrypt(jwe, key));
    if (boundTo !== recordId)
      return { state: 'damaged', fault: 'its encrypted values belong to another record' };
    return { state: 'opened', values };
  } catch (error) {
    if (error instanceof AuditError) throw error;
    const reason = error instanceof JweError ? error.message : 'what they hold is no JSON';
    return { state: 'damaged', fault: `its encrypted values are damaged: ${reason}` };
  }
}
