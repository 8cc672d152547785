import { createHash } from 'node:crypto';
import type { AuditRecord } from '../../schema/record.js';
import type { Difference, ToolChange } from './toolChange.js';

/** The resources of the records about tools. */
export const TOOL_CHANGED = 'audit/tool-changed';
/** The resource of a record that keeps a definition. */
export const TOOL_DEFINITION = 'audit/tool-definition';

/** So much text of definitions is held, in UTF-16 units: what comes after it is not compared. */
const MAX_UNITS = 64 << 20;
/** So much of each value is shown. */
const SHOWN_UNITS = 4_000;
/** So many places of one change are shown. */
const SHOWN_PLACES = 200;

interface Kept {
  readonly text: string;
  /** Whether the text is what the client was given: redaction and bounds changed nothing. */
  readonly whole: boolean;
}

/** Gathers the definitions and the changes of tools from records in any order. */
export class ToolHistory {
  readonly #kept = new Map<string, Kept>();
  readonly #changes: AuditRecord[] = [];
  readonly #most: number;
  #units = 0;

  /** @param most How many changes are kept. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /** Takes the definition that a record keeps, if it does. */
  define(record: AuditRecord): void {
    if (record.resource !== TOOL_DEFINITION) return;
    const { fingerprint, definition, definition_sha256: address } = fieldsOf(record);
    if (typeof fingerprint !== 'string' || typeof definition !== 'string' || this.#kept.has(fingerprint))
      return;
    this.#units += definition.length;
    if (this.#units > MAX_UNITS) return;
    const isCut = record.truncated?.some(({ path }) => path === 'data.definition') === true;
    // A text under an address that is not its own is no evidence of anything.
    if (!isCut && createHash('sha256').update(definition).digest('hex') !== address) return;
    this.#kept.set(fingerprint, { text: definition, whole: !isCut && address === fingerprint });
  }

  /** Takes a change of a tool that is wanted. */
  change(record: AuditRecord): void {
    if (record.resource === TOOL_CHANGED && this.#changes.length < this.#most) this.#changes.push(record);
  }

  /** The changes, in the order of the logs. */
  changes(): ToolChange[] {
    return this.#changes.map((record) => this.#describe(record));
  }

  #describe(record: AuditRecord): ToolChange {
    const { time, message, trace_id: trace, record_id, actor_id: actor } = record;
    const data = fieldsOf(record);
    const [before, after] = [text(data['old_fingerprint']), text(data['new_fingerprint'])];
    const fields = Array.isArray(data['changed_fields']) ? data['changed_fields'].map(String) : [];
    return {
      ...{ time, message, trace, actor, before, after, fields, record: record_id },
      tool: toolOf(record) ?? '(unnamed)',
      server: [record.server_id, data['server_address']].filter((part) => typeof part === 'string').join(' '),
      ...this.#compare(before, after),
    };
  }

  #compare(before: string, after: string): Pick<ToolChange, 'differences' | 'note'> {
    const [old, now] = [this.#kept.get(before), this.#kept.get(after)];
    if (old === undefined || now === undefined) {
      const sides = old === undefined && now === undefined ? 'either definition' : 'the other definition';
      const lost = `no record of these logs keeps ${sides}`;
      const other = old ?? now;
      if (other === undefined) return { differences: [], note: lost };
      const all = differencesOf(old?.text ?? '{}', now?.text ?? '{}');
      return { differences: all.slice(0, SHOWN_PLACES), note: `${lost}: the ${old ? 'old' : 'new'} one is` };
    }
    const all = differencesOf(old.text, now.text);
    const differences = all.slice(0, SHOWN_PLACES);
    if (all.length > SHOWN_PLACES)
      return { differences, note: `and ${all.length - SHOWN_PLACES} further places` };
    if (old.whole && now.whole) return { differences };
    return { differences, note: 'compared as they were kept: redacted, or cut' };
  }
}

/** The name of the tool that a record is about: called, changed, or defined. */
export function toolOf(record: AuditRecord): string | undefined {
  const named = record.resource.startsWith('audit/tool-') ? fieldsOf(record)['tool'] : undefined;
  return typeof named === 'string' ? named : record.mcp?.tool_name;
}

function fieldsOf({ data }: AuditRecord): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The places where two definitions differ, in the order of their paths. */
function differencesOf(before: string, after: string): Difference[] {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter(
    (path) => old.get(path) !== now.get(path),
  );
  return paths.sort().map((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    return {
      path,
      ...(was !== undefined && { before: shown(was) }),
      ...(is !== undefined && { after: shown(is) }),
    };
  });
}

function shown(value: string): string {
  return value.length > SHOWN_UNITS ? `${value.slice(0, SHOWN_UNITS)}… (${value.length} characters)` : value;
}

/** Every value of a definition by its path. A text that is no JSON, as one that was cut, is one value. */
function valuesOf(definition: string): Map<string, string> {
  const values = new Map<string, string>();
  let root: unknown;
  try {
    root = JSON.parse(definition);
  } catch {
    return values.set('(cut)', definition);
  }
  const open: { path: string; value: unknown }[] = [{ path: '', value: root }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { path, value } = item;
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    if (members.length === 0) {
      if (path !== '') values.set(path, typeof value === 'string' ? value : JSON.stringify(value));
      continue;
    }
    for (const [key, member] of members)
      open.push({ path: path === '' ? key : `${path}.${key}`, value: member as unknown });
  }
  return values;
}
