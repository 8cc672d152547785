import type { AuditRecord } from '../../schema/record.js';
import type { Personal } from './model.js';

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
