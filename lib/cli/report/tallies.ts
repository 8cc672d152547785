import type { AuditRecord } from '../../schema/record.js';
import { SENSITIVITIES } from '../../schema/tables.js';
import type { Personal, Missing } from './model.js';
import { isIntent } from '../input/records.js';
import { SequenceCheck } from '../input/sequence.js';
import { counterOf } from '../../schema/ids.js';

/** The rank of each sensitivity. Names of schema package 0.2 have the rank of the documented names. */
const RANKS: Readonly<Record<string, number>> = {
  ...SENSITIVITIES,
  SENSITIVITY_PUBLIC_INTERNAL: SENSITIVITIES.SENSITIVITY_INTERNAL,
  SENSITIVITY_SECRET: SENSITIVITIES.SENSITIVITY_RESTRICTED,
  SENSITIVITY_TOP_SECRET: SENSITIVITIES.SENSITIVITY_HIGHLY_RESTRICTED,
};

/** The rank of the data that a record touches; -1 for lists and session records, which touch none. */
export function sensitivityOf({ mcp, sensitivity }: AuditRecord): number {
  const { resource_uri: uri, tool_name: tool, prompt_name: prompt } = mcp ?? {};
  if (uri === undefined && tool === undefined && prompt === undefined) return -1;
  return Object.hasOwn(RANKS, sensitivity) ? (RANKS[sensitivity] ?? 0) : 0;
}

/** Keys are told apart up to this number. */
const MOST_KEYS = 1_000_000;

type State = 'encrypted' | 'opened' | 'erased' | 'withheld';

/** Counts the records with values that concern persons. */
export class PersonalTally {
  readonly #counts: Record<State, number> = { encrypted: 0, opened: 0, erased: 0, withheld: 0 };
  /** How many records have encrypted values, by the key of these. */
  readonly #keys = new Map<string, number>();
  readonly #destroyed = new Set<string>();

  /** Takes every record of a log: one that tells of an erasure counts whether or not a filter wants it. */
  see({ resource, data }: AuditRecord): void {
    if (resource !== 'audit/erasure' || typeof data !== 'object' || data === null) return;
    const id: unknown = Reflect.get(data, 'key_id');
    if (typeof id === 'string') this.#destroyed.add(id);
  }

  /** Takes a record that the filter wants. */
  add({ personal }: AuditRecord): void {
    if (!Array.isArray(personal)) return;
    const states = new Set<State>();
    for (const entry of personal as readonly unknown[]) {
      const state = this.#stateOf(entry);
      if (state !== undefined) states.add(state);
    }
    for (const state of states) this.#counts[state]++;
  }

  #stateOf(entry: unknown): State | undefined {
    if (typeof entry !== 'object' || entry === null) return undefined;
    // Another program may have written anything there.
    const { key_id: id, jwe, state, withheld } = entry as Readonly<Record<string, unknown>>;
    if (typeof withheld === 'string') return 'withheld';
    if (typeof id === 'string') {
      const known = this.#keys.get(id);
      const isEncrypted = typeof jwe === 'string' ? 1 : 0;
      if (known !== undefined || this.#keys.size < MOST_KEYS) this.#keys.set(id, (known ?? 0) + isEncrypted);
      if (state === 'erased') this.#destroyed.add(id);
    }
    if (state === 'opened' || state === 'erased') return state;
    return 'encrypted';
  }

  /** The counts; nothing where no record had such values. */
  finish(): Personal | undefined {
    const { encrypted, opened, erased, withheld } = this.#counts;
    if (encrypted + opened + erased + withheld === 0) return undefined;
    // Without the keys, the records of erasures say which values nobody can read any more.
    let lost = 0;
    for (const id of this.#destroyed) lost += this.#keys.get(id) ?? 0;
    const moved = Math.min(lost, encrypted);
    return {
      encrypted: encrypted - moved,
      opened,
      erased: erased + moved,
      withheld,
      keys: this.#keys.size,
      destroyed: [...this.#destroyed].filter((id) => this.#keys.has(id)).length,
    };
  }
}

/** How many findings of each kind are listed. All are counted. */
const LISTED = 100;
/** How many open operations are remembered: far more than a process has at one moment. */
const MOST_OPEN = 200_000;

/** Gathers what is missing: holes in the order, gap records, operations without a known outcome. */
export class MissingBuilder {
  readonly #logs = new Map<string, SequenceCheck>();
  readonly #holes: Missing['holes'][number][] = [];
  readonly #gaps: Missing['gaps'][number][] = [];
  readonly #open = new Set<string>();
  #places = 0;
  #disorder = 0;
  #admitted = 0;
  #unknown = 0;

  /** Takes every record of a log, whether or not a filter wants it, because the order concerns them all. */
  order(log: string, record: AuditRecord, file: string, line: number): void {
    let check = this.#logs.get(log);
    if (check === undefined) this.#logs.set(log, (check = new SequenceCheck()));
    const finding = check.see(record.seq, counterOf(record), record.time);
    if (finding === undefined) return;
    this.#places += finding.count;
    if (finding.kind !== 'hole') this.#disorder++;
    if (this.#holes.length < LISTED) this.#holes.push({ file, line, ...finding });
  }

  add(record: AuditRecord): void {
    if (record.resource === 'audit/gap') this.#gap(record);
    if (record.error?.type === 'unknown_outcome') this.#unknown++;
    const operation = record.operation_id;
    if (operation === undefined) return;
    if (!isIntent(record)) this.#open.delete(operation);
    else if (this.#open.size < MOST_OPEN) this.#open.add(operation);
  }

  #gap(record: AuditRecord): void {
    const told: unknown =
      typeof record.data === 'object' && record.data !== null ? Reflect.get(record.data, 'count') : undefined;
    const count = typeof told === 'number' && told > 0 ? told : 0;
    this.#admitted += count;
    if (this.#gaps.length < LISTED) this.#gaps.push({ time: record.time, count, message: record.message });
  }

  finish(): Missing {
    return {
      holes: this.#holes,
      places: this.#places,
      disorder: this.#disorder,
      gaps: this.#gaps,
      admitted: this.#admitted,
      unknown: this.#unknown,
      open: this.#open.size,
    };
  }
}
