import type { AuditRecord } from '../../schema/record.js';
import { isIntent } from '../input/records.js';
import { SequenceCheck } from '../input/sequence.js';
import { counterOf } from '../../schema/ids.js';
import type { Missing } from './model.js';

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
