import { byte, word, type Store } from './store.js';

/** By what two records were found to be of one request, the strongest first. */
export const WAYS = ['commitment', 'span', 'trace', 'session', 'relay'] as const;
/** One of {@link WAYS}. */
type Way = (typeof WAYS)[number];

/** A request that is on record on both sides. */
export interface Pair {
  /** The record of who asked. */
  readonly ask: number;
  /** The records of who answered, the oldest first: several where the request was made again. */
  readonly answers: readonly number[];
  readonly way: Way;
}

/** What was found on both sides, and on one only. */
export interface Pairing {
  readonly by: Readonly<Record<Way, number>>;
  readonly unansweredAsks: readonly number[];
  readonly unaskedAnswers: readonly number[];
  /** Calls back for each pair: a million of them at once would take a hundred megabytes. */
  each(take: (pair: Pair) => void): void;
}

/**
 * Pairs the records of requests: by the client's commitment, which names its record; by the span of the client, which is the parent of
 * the server's; by trace and JSON-RPC id; by the protocol's session and JSON-RPC id. Ids repeat between sessions, and clocks differ, so
 * neither an id alone nor a time pairs anything: of several that have the same key, the first is paired with the first.
 */
export function pairRecords(store: Store): Pairing {
  const joins = new Joins(store);
  joins.byOwner('commitment', store.byCommitment, store.byCommitment);
  joins.byOwner('span', store.bySpan, store.byParent);
  joins.byId('trace', store.byTrace, 'byTrace');
  joins.byId('session', store.bySession, 'bySession');
  return joins.finish();
}

type Keys = Pick<Store['byTrace'], 'get'>;

/** The pairs as they are found, each way after the stronger ones. */
class Joins {
  readonly #store: Store;
  readonly #by: Record<Way, number> = { commitment: 0, span: 0, trace: 0, session: 0, relay: 0 };
  readonly #asks: readonly number[];
  /** The ask of each answer, plus one. In columns: maps of a million numbers would take as much as the records. */
  readonly #askOf = word();
  /** The way by which each ask was paired, as its place among them, plus one. */
  readonly #wayOf = byte();
  /** The answers that are not paired yet. */
  #open: readonly number[];

  constructor(store: Store) {
    this.#store = store;
    this.#asks = store.asks.filter((index) => !store.isDone(index));
    this.#open = store.answers.filter((index) => !store.isDone(index));
  }

  /** Joins by a key of one record: a request that is made again has the same one, so that all its answers belong to it. */
  byOwner(way: Way, keyOfAsk: Keys, keyOfAnswer: Keys): void {
    if (!this.#open.some((answer) => keyOfAnswer.get(answer) !== 0)) return;
    const owners = new Map<number, number>();
    for (const ask of this.#asks) owners.set(keyOfAsk.get(ask), ask);
    const { method } = this.#store;
    this.#open = this.#open.filter((answer) => {
      const key = keyOfAnswer.get(answer);
      const ask = key === 0 ? undefined : owners.get(key);
      if (ask === undefined || method.get(ask) !== method.get(answer)) return true;
      this.#join(ask, answer, way);
      return false;
    });
  }

  /** Joins by the id of a request, which may come again: the first with the first. */
  byId(way: Way, keys: Keys, leg: 'byTrace' | 'bySession'): void {
    if (!this.#open.some((answer) => keys.get(answer) !== 0)) return;
    const waiting = new Map<number, number[]>();
    const wait = (key: number, ask: number) => {
      if (key === 0 || this.#wayOf.get(ask) !== 0) return;
      const others = waiting.get(key);
      if (others === undefined) waiting.set(key, [ask]);
      else others.push(ask);
    };
    for (const ask of this.#asks) wait(keys.get(ask), ask);
    for (const each of this.#store.legs) wait(each[leg], each.index);
    this.#open = this.#open.filter((answer) => {
      const ask = waiting.get(keys.get(answer))?.shift();
      if (ask === undefined) return true;
      this.#join(ask, answer, way);
      return false;
    });
  }

  #join(ask: number, answer: number, way: Way): void {
    this.#askOf.set(answer, ask + 1);
    if (this.#wayOf.get(ask) !== 0) return;
    this.#by[way]++;
    this.#wayOf.set(ask, WAYS.indexOf(way) + 1);
  }

  finish(): Pairing {
    const answered = this.#asks.filter((ask) => this.#wayOf.get(ask) !== 0);
    const open = this.#asks.filter((ask) => this.#wayOf.get(ask) === 0);
    const { middle, unanswered } = relayed(this.#store, open, answered);
    return {
      by: { ...this.#by, relay: middle.size },
      unansweredAsks: unanswered,
      unaskedAnswers: this.#open,
      each: (take) => {
        const answersOf = this.#answers();
        for (const ask of answered)
          take({ ask, answers: answersOf(ask), way: WAYS[this.#wayOf.get(ask) - 1] ?? 'span' });
        for (const [ask, through] of middle) take({ ask, answers: answersOf(through), way: 'relay' });
      },
    };
  }

  /** The answers of an ask. Nearly all have one, for which no list is kept. */
  #answers(): (ask: number) => readonly number[] {
    const several = new Map<number, number[]>();
    const single = word();
    for (const answer of this.#store.answers) {
      const ask = this.#askOf.get(answer) - 1;
      if (ask === -1) continue;
      const first = single.get(ask) - 1;
      if (first === -1) single.set(ask, answer + 1);
      else several.set(ask, [...(several.get(ask) ?? [first]), answer]);
    }
    return (ask) => several.get(ask) ?? [single.get(ask) - 1];
  }
}

/**
 * A relay between both sides writes records of a client, whose spans are children of the real client's. The server's record belongs to
 * one of the two; the other one is paired with it through this one.
 */
function relayed(store: Store, open: readonly number[], answered: readonly number[]) {
  const middle = new Map<number, number>();
  if (open.length === 0 || answered.length === 0) return { middle, unanswered: open };
  const childOf = new Map<number, number>();
  const ownerOf = new Map<number, number>();
  for (const ask of answered) {
    if (store.byParent.get(ask) !== 0) childOf.set(store.byParent.get(ask), ask);
    ownerOf.set(store.bySpan.get(ask), ask);
  }
  const unanswered = open.filter((ask) => {
    const through = childOf.get(store.bySpan.get(ask)) ?? ownerOf.get(store.byParent.get(ask));
    const isSame =
      through !== undefined &&
      store.method.get(through) === store.method.get(ask) &&
      store.target.get(through) === store.target.get(ask) &&
      store.log.get(through) !== store.log.get(ask);
    if (isSame) middle.set(ask, through);
    return !isSame;
  });
  return { middle, unanswered };
}
