import { after } from '../internal/duration.js';
import type { DraftRecord } from '../schema/record.js';
import { forgetAtExit, writeAtExit, type LastWriter } from './lifecycle.js';

/** A record that lacks something which is being fetched, such as the key that its values are to be encrypted with. */
export interface HeldDraft {
  /** The record, within a bounded time, with or without what it lacked. Never rejects. */
  readonly ready: Promise<DraftRecord>;
  /** The record at once, without what has not come yet. */
  now(): DraftRecord;
}

/** Whether a record is still to become ready. */
export function isHeld(draft: DraftRecord | HeldDraft): draft is HeldDraft {
  return 'ready' in draft;
}

interface Place {
  /** Undefined where the record is ready. */
  readonly held: HeldDraft | undefined;
  record: DraftRecord | undefined;
  /** When it came, in ms of the monotonic clock. */
  readonly since: number;
  readonly go: (record: DraftRecord, since: number) => void;
}

/** A timer may run so much before its time. */
const TIMER_GRAIN_MS = 1;

/**
 * Keeps records in their order while one of them is held: those that came later wait behind it. A record is numbered when it
 * leaves, so the log shows no hole.
 */
export class HoldingQueue implements LastWriter {
  readonly name = 'the keys of persons';
  readonly #most: number;
  readonly #mostMs: number;
  readonly #places: Place[] = [];
  #idle: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param most how many records may wait; at one more, all go on as they are.
   * @param mostMs how long a record may wait; then it goes on as it is.
   */
  constructor(most: number, mostMs: number) {
    this.#most = most;
    this.#mostMs = mostMs;
  }

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  /** Calls `go` with the record, and with when it came, once it is ready and all before it have left. */
  hold(draft: DraftRecord | HeldDraft, go: Place['go']): void {
    const held = isHeld(draft) ? draft : undefined;
    const place: Place = { held, record: isHeld(draft) ? undefined : draft, since: performance.now(), go };
    if (this.isEmpty) writeAtExit(this);
    this.#timer ??= after(this.#mostMs, () => this.#expire());
    this.#places.push(place);
    void held?.ready.then((record) => {
      place.record ??= record;
      this.#letGo();
    });
    if (this.#places.length > this.#most) this.release();
  }

  /** Resolves when no record waits any more. */
  passed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isEmpty) resolve();
      else this.#idle.push(resolve);
    });
  }

  /** Lets all records go on as they are: the process ends, or there are too many. */
  release(): void {
    this.#releaseUntil(Infinity);
  }

  #releaseUntil(time: number): void {
    for (const place of this.#places) if (place.since <= time) place.record ??= place.held?.now();
    this.#letGo();
  }

  #expire(): void {
    this.#timer = undefined;
    this.#releaseUntil(performance.now() - this.#mostMs + TIMER_GRAIN_MS);
    const [next] = this.#places;
    if (next !== undefined)
      this.#timer = after(next.since + this.#mostMs - performance.now(), () => this.#expire());
  }

  flushAtExit(): number {
    this.release();
    return 0;
  }

  #letGo(): void {
    for (let next = this.#places[0]; next?.record !== undefined; next = this.#places[0]) {
      this.#places.shift();
      next.go(next.record, next.since);
    }
    if (!this.isEmpty) return;
    forgetAtExit(this);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
