/** The distance of full-width letters and signs (U+FF01 to U+FF5E) from their ASCII forms. */
const FULL_WIDTH = 0xfee0;

/** Where a search continues: before the character at `at`, in this state. The first state is 0. */
export interface Place {
  readonly at: number;
  readonly state: number;
}

/** Where literals end, and their indices. The search continues here. */
export interface Hit extends Place {
  readonly literals: readonly number[];
}

/**
 * Finds many literals in one look at each character of a text (Aho and Corasick, 1975), so that the cost does not depend on how
 * many literals there are. Case is ignored and full-width forms count as ASCII, unless `exact` is set.
 */
export class Automaton {
  /** The next state by state and class of character, in rows of {@link width}. */
  readonly next: Uint16Array;
  /** How many classes of characters there are. */
  readonly width: number;
  /** The class of each ASCII character. */
  readonly ascii: Uint8Array;
  readonly #others = new Map<number, number>();
  /** The indices of the literals that end in a state; undefined for most states. */
  readonly #found: (readonly number[] | undefined)[];
  /** 1 for each state in which a literal ends. */
  readonly #ends: Uint8Array;

  constructor(literals: readonly string[], exact = false) {
    this.ascii = new Uint8Array(128);
    this.width = this.#classify(literals, exact);
    const length = literals.reduce((sum, literal) => sum + literal.length, 0);
    const tree = new Tree(this.width, length);
    literals.forEach((literal, index) => {
      tree.insert(
        codesOf(literal).map((code) => this.classOf(code)),
        index,
      );
    });
    tree.link();
    this.next = tree.next.slice(0, tree.found.length * this.width);
    this.#found = tree.found;
    this.#ends = Uint8Array.from(tree.found, (ends) => (ends === undefined ? 0 : 1));
  }

  /** For each state the indices of the literals that end there. */
  states(): readonly (readonly number[] | undefined)[] {
    return this.#found;
  }

  /** The first place after `place`, and not after `until`, where a literal ends, with all literals that end there. */
  find(text: string, { at, state }: Place, until = text.length): Hit | undefined {
    const next = this.next;
    const ascii = this.ascii;
    const ends = this.#ends;
    const width = this.width;
    for (let index = at, now = state; index < until; index++) {
      const code = text.charCodeAt(index);
      const kind = code < 128 ? (ascii[code] as number) : this.classOf(code);
      now = next[now * width + kind] as number;
      if (ends[now] === 1) return { at: index + 1, state: now, literals: this.#found[now] ?? [] };
    }
    return undefined;
  }

  /** Gives every character that occurs in a literal a class. Class 0 is for all other characters. */
  #classify(literals: readonly string[], exact: boolean): number {
    let width = 1;
    for (const code of new Set(literals.flatMap(codesOf))) {
      if (this.classOf(code) !== 0) continue;
      for (const same of exact ? [code] : cases(code)) {
        if (same < 128) this.ascii[same] = width;
        else this.#others.set(same, width);
      }
      width++;
    }
    return width;
  }

  /** The class of a character; 0 if it occurs in no literal. */
  classOf(code: number): number {
    if (code < 128) return this.ascii[code] ?? 0;
    if (code > 0xff00 && code < 0xff5f) return this.ascii[code - FULL_WIDTH] ?? 0;
    return this.#others.get(code) ?? 0;
  }
}

function codesOf(literal: string): number[] {
  return Array.from({ length: literal.length }, (_, index) => literal.charCodeAt(index));
}

function cases(code: number): number[] {
  const char = String.fromCharCode(code);
  return [code, char.toLowerCase().charCodeAt(0), char.toUpperCase().charCodeAt(0)];
}

/**
 * Builds the table of an automaton: first a tree of the literals, then the steps between its branches. The table is allocated
 * once, because a record may be waiting for it.
 */
class Tree {
  readonly next: Uint16Array;
  readonly found: (number[] | undefined)[] = [undefined];

  /** @param most The characters of all literals together: there is at most one state for each, and the first. */
  constructor(
    private readonly width: number,
    most: number,
  ) {
    this.next = new Uint16Array((most + 1) * width);
  }

  insert(classes: readonly number[], index: number): void {
    let state = 0;
    for (const kind of classes) {
      const at = state * this.width + kind;
      if (this.next[at] === 0) this.next[at] = this.found.push(undefined) - 1;
      state = this.next[at] ?? 0;
    }
    (this.found[state] ??= []).push(index);
  }

  /** Level by level: where no literal continues, the search continues with the longest suffix that begins a literal. */
  link(): void {
    const { next, width } = this;
    const fallback = new Uint16Array(this.found.length);
    const queue = [...next.subarray(0, width)].filter((state) => state !== 0);
    for (let first = 0; first < queue.length; first++) {
      const state = queue[first] ?? 0;
      const back = fallback[state] ?? 0;
      const inherited = this.found[back];
      if (inherited !== undefined) this.found[state] = [...(this.found[state] ?? []), ...inherited];
      for (let kind = 0, at = state * width, other = back * width; kind < width; kind++, at++, other++) {
        const child = next[at] as number;
        if (child === 0) next[at] = next[other] as number;
        else {
          fallback[child] = next[other] as number;
          queue.push(child);
        }
      }
    }
  }
}
