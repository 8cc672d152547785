/** A fault in the order of a log, as `seq` shows it. */
export interface SequenceFinding {
  /** `hole`: records are missing. `repeat`: a `seq` occurs again. `restart`: counting starts at 0 again. */
  readonly kind: 'hole' | 'repeat' | 'restart';
  /** The first `seq` that is missing, or the one that occurs again. */
  readonly from: number;
  /** How many records are missing; 0 unless it is a hole. */
  readonly count: number;
}

/** Checks the order within one log. A hole in `seq` means that records were lost. */
export class SequenceCheck {
  #next: number | undefined;

  /** Takes the `seq` of the next record; returns a finding if it does not follow the one before. */
  see(seq: number): SequenceFinding | undefined {
    const expected = this.#next;
    if (!Number.isSafeInteger(seq)) return undefined;
    this.#next = Math.max(seq + 1, seq === 0 ? 1 : (expected ?? 0));
    if (expected === undefined || seq === expected) return undefined;
    if (seq > expected) return { kind: 'hole', from: expected, count: seq - expected };
    return { kind: seq === 0 ? 'restart' : 'repeat', from: seq, count: 0 };
  }
}
