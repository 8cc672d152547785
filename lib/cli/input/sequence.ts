/** Something that `seq` tells about the order of a log. */
export interface SequenceFinding {
  /** `hole`: records are missing; `repeat`: a place is taken again; `restart`: counting began anew. */
  readonly kind: 'hole' | 'repeat' | 'restart';
  /** The first place that is missing, or the place that was taken again. */
  readonly from: number;
  /** How many places are missing; 0 unless it is a hole. */
  readonly count: number;
}

/** Follows the order within one log: a hole in `seq` means a loss. */
export class SequenceCheck {
  #next: number | undefined;

  /** Takes the next record of the log; tells if it does not follow the one before. */
  see(seq: number): SequenceFinding | undefined {
    const expected = this.#next;
    if (!Number.isSafeInteger(seq)) return undefined;
    this.#next = Math.max(seq + 1, seq === 0 ? 1 : (expected ?? 0));
    if (expected === undefined || seq === expected) return undefined;
    if (seq > expected) return { kind: 'hole', from: expected, count: seq - expected };
    return { kind: seq === 0 ? 'restart' : 'repeat', from: seq, count: 0 };
  }
}
