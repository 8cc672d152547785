import { createHash } from 'node:crypto';

/** The number that a client's counter may have given as an id: a whole number, as JSON writes it. */
function counted(id: string): number | undefined {
  const number = Number(id);
  return Number.isSafeInteger(number) && number >= 0 && String(number) === id ? number : undefined;
}

function isCounted(id: string): boolean {
  return counted(id) !== undefined;
}

/** So many ids are hashed at a time. */
const BATCH = 4096;

/**
 * The ids of JSON-RPC requests, each as often as it came. A client counts its requests, so that a whole session is one range: a
 * session of a million requests takes no more room than one of ten.
 */
export class RequestIds {
  /** Ranges of numbers, rising, apart from each other. */
  readonly #ranges: [first: number, last: number][] = [];
  /** What else there is, and numbers that came again, with how often. */
  readonly #others = new Map<string, number>();
  #size = 0;

  /** How many ids there are, each as often as it came. */
  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    this.#size++;
    const number = counted(id);
    if (number === undefined || !this.#addNumber(number))
      this.#others.set(id, (this.#others.get(id) ?? 0) + 1);
  }

  /** Takes away one occurrence, if there is one. */
  delete(id: string): boolean {
    const more = this.#others.get(id);
    if (more === undefined) {
      const number = counted(id);
      if (number === undefined || !this.#deleteNumber(number)) return false;
    } else if (more > 1) this.#others.set(id, more - 1);
    else this.#others.delete(id);
    this.#size--;
    return true;
  }

  copy(): RequestIds {
    const copy = new RequestIds();
    copy.#ranges.push(...this.#ranges.map(([first, last]): [number, number] => [first, last]));
    for (const [id, count] of this.#others) copy.#others.set(id, count);
    copy.#size = this.#size;
    return copy;
  }

  /** In the order of the client's counter: numbers by their value, then other ids by their bytes. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (const [first, last] of this.#ranges)
      for (let number = first; number <= last; number++) {
        const id = String(number);
        yield id;
        for (let again = this.#others.get(id) ?? 0; again > 0; again--) yield id;
      }
    const rest = [...this.#others].filter(([id]) => !isCounted(id));
    rest.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const [id, count] of rest) for (let again = count; again > 0; again--) yield id;
  }

  /**
   * SHA-256 (hex) over the ids in that order, a line feed after each: numbers as digits, other ids as JSON strings, so that none
   * of them can pass for two.
   */
  digest(): string {
    const hash = createHash('sha256');
    let batch: string[] = [];
    for (const id of this) {
      batch.push(isCounted(id) ? id : JSON.stringify(id), '\n');
      if (batch.length < BATCH) continue;
      hash.update(batch.join(''));
      batch = [];
    }
    return hash.update(batch.join('')).digest('hex');
  }

  /** False for one that is not there. */
  #deleteNumber(number: number): boolean {
    const at = this.#find(number);
    const range = this.#ranges[at];
    if (range === undefined || number > range[1]) return false;
    const [first, last] = range;
    if (first === last) this.#ranges.splice(at, 1);
    else if (number === first) range[0]++;
    else if (number === last) range[1]--;
    else this.#ranges.splice(at, 1, [first, number - 1], [number + 1, last]);
    return true;
  }

  /** False for one that is there. */
  #addNumber(number: number): boolean {
    const at = this.#find(number);
    const before = this.#ranges[at];
    if (before !== undefined && number <= before[1]) return false;
    const after = this.#ranges[at + 1];
    const joinsBefore = before?.[1] === number - 1;
    if (after?.[0] === number + 1) {
      after[0] = joinsBefore ? before[0] : number;
      if (joinsBefore) this.#ranges.splice(at, 1);
    } else if (joinsBefore) before[1] = number;
    else this.#ranges.splice(at + 1, 0, [number, number]);
    return true;
  }

  /** The range that begins at a number or, of those before it, last; -1 where there is none. */
  #find(number: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.[0] ?? Infinity) <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
