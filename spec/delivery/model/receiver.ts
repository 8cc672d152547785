import type { AuditRecord } from '../../../lib/schema/record.js';
import { gapToldBy, type SinkResult } from '../../../lib/sinks/sink.js';

/** What the receiver does with the next batch. */
export type Answer =
  | { readonly kind: 'take' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'permanent' }
  | { readonly kind: 'reject'; readonly index: number }
  | { readonly kind: 'later'; readonly settled: number; readonly retryAfterMs: unknown };

const LATER = new Error('later');

/** The other end of the way: takes, refuses and puts off as it is told, and knows what it has. */
export class Receiver {
  answers: Answer[] = [];
  /** What it does when these are used up. */
  then: Answer = { kind: 'take' };
  /** What it has, by id: the number that it came under. */
  readonly received = new Map<string, number>();
  /** The gap records that it has, by id. */
  readonly gaps = new Map<string, { readonly seq: number; readonly count: number }>();
  /** What must never come: intents of operations that were refused. */
  readonly never = new Set<string>();
  readonly wrong: string[] = [];
  requests = 0;
  /** How many requests there may have been: for records, flushes and time that passed. */
  allowed = 20;
  /** How many losses the gap records tell of that it did not take with its last answer. */
  withheld = 0;
  /** Whether what it has may come again: a process died that may not have heard its answer. */
  mayRepeat = false;

  /** How many records gap records tell of. */
  get told(): number {
    return [...this.gaps.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** The highest number that it has, of a record or a gap. */
  get highest(): number | undefined {
    const numbers = [...this.received.values(), ...[...this.gaps.values()].map(({ seq }) => seq)];
    return numbers.length === 0 ? undefined : Math.max(...numbers);
  }

  receive(batch: readonly AuditRecord[]): SinkResult | undefined {
    const { told } = this;
    try {
      return this.#answer(batch);
    } finally {
      const offered = batch.reduce((sum, record) => sum + (gapToldBy(record)?.count ?? 0), 0);
      this.withheld = offered - (this.told - told);
    }
  }

  #answer(batch: readonly AuditRecord[]): SinkResult | undefined {
    // Beyond what is allowed the test has failed; it must not run on for millions of requests.
    const flood = ++this.requests > this.allowed;
    const answer: Answer = flood ? { kind: 'take' } : (this.answers.shift() ?? this.then);
    if (answer.kind === 'throw') throw LATER;
    if (answer.kind === 'permanent') return { status: 'permanent', error: LATER };
    if (answer.kind === 'later') {
      const settled = Math.min(answer.settled, batch.length);
      this.#keep(batch.slice(0, settled));
      return { status: 'retryable', error: LATER, settled, retryAfterMs: answer.retryAfterMs as number };
    }
    if (answer.kind === 'take' || answer.index >= batch.length) return void this.#keep(batch);
    this.#keep(batch.filter((_, index) => index !== answer.index));
    return { status: 'delivered', rejected: [{ index: answer.index, error: LATER }] };
  }

  #keep(records: readonly AuditRecord[]): void {
    for (const record of records) {
      const { record_id: id, seq } = record;
      const gap = gapToldBy(record);
      if (this.never.has(id)) this.wrong.push(`${id} came, though its operation was refused`);
      const before = gap === undefined ? this.received.get(id) : this.gaps.get(id)?.seq;
      if (before !== undefined && (before !== seq || !this.mayRepeat))
        this.wrong.push(`${id} came twice, as ${before} and ${seq}`);
      if (gap === undefined) this.received.set(id, seq);
      else this.gaps.set(id, gap);
    }
  }
}
