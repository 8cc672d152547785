import { count } from '../term/units.js';
import type { Pair, Pairing } from './pairing.js';
import type { Entry, Hole, LogFacts, Store, Target } from './store.js';

/** In what the records of one request differ. */
export type Difference =
  | 'arguments'
  | 'commitment'
  | 'result'
  | 'target'
  | 'outcome'
  | 'repeated'
  | 'duration';

/**
 * Why a request is on record on one side only, as far as the logs tell. Those that are `EXPLAINED` are as they should be; the others are
 * findings.
 */
export type Reason =
  /** The client refused it, or failed, before anything went over the wire. */
  | 'not_sent'
  /** The client answered it from its cache, or by itself. */
  | 'answered_by_client'
  /** An HTTP error came back: what answers is before the server. */
  | 'refused_by_http'
  /** No answer came back, and the other side may never have got it. */
  | 'not_arrived'
  /** Nothing of that session is in the logs of the other side. */
  | 'other_server'
  | 'foreign_client'
  /** The logs of the other side begin later or end earlier. */
  | 'not_covered'
  /** The policy of the other side leaves some operations out. */
  | 'left_out_by_policy'
  /** The log of the other side says that it lost records then. */
  | 'lost'
  /** The log of the other side ends there, and not in good order. */
  | 'crashed'
  /** The numbers of the other side's log have a hole there: records are missing. */
  | 'removed'
  /** Nothing explains it. */
  | 'missing';

const EXPLAINED: ReadonlySet<Reason> = new Set<Reason>([
  ...(['not_sent', 'answered_by_client', 'refused_by_http', 'not_arrived', 'other_server'] as const),
  ...(['foreign_client', 'not_covered', 'left_out_by_policy'] as const),
]);

/** The reasons in words. */
export const IN_WORDS: Readonly<Record<Reason, string>> = {
  not_sent: 'the client did not send it',
  answered_by_client: 'the client answered it by itself',
  refused_by_http: 'it was refused before it came to the server',
  not_arrived: 'no answer came back, and it may not have arrived',
  other_server: 'no log of that server is among these',
  foreign_client: 'no log of that client is among these',
  not_covered: 'the logs of the other side do not cover that time',
  left_out_by_policy: 'the policy of the other side leaves some operations out',
  lost: 'the log of the other side says that it lost records then',
  crashed: 'the log of the other side breaks off there: its process did not end in good order',
  removed: 'records are missing from the log of the other side: there is a hole in its numbers',
  missing: 'nothing explains it',
};

/** What is to be said of one request. */
export type Finding =
  | ({ readonly kind: 'different'; readonly in: readonly Difference[] } & Target & Both)
  | ({ readonly kind: 'one_side'; readonly reason: Reason; readonly explained: boolean } & Target &
      Partial<Both>);

interface Both {
  readonly client: Entry;
  readonly server: Entry;
}

/** The whole comparison in numbers. */
export interface Summary {
  pairs: number;
  alike: number;
  different: number;
  readonly differences: Partial<Record<Difference, number>>;
  only_client: number;
  only_server: number;
  readonly reasons: Partial<Record<Reason, number>>;
  /** One-sided records that nothing explains, or that are missing from a log. */
  unexplained: number;
  readonly compared: { arguments: number; result: number };
  /** By how much the clock of the server is ahead, as the median of all pairs; absent without a pair. */
  clock_ahead_ms?: number;
}

/** By how much the client's duration may exceed the server's, in milliseconds, before it is told. */
export const MAX_TRANSPORT_MS = 10_000;

/** How the clocks of both sides differ, in words. */
export function clockWords(ahead: number): string {
  if (Math.abs(ahead) < 5) return 'agree';
  return `those of servers are ${count(Math.abs(ahead))} ms ${ahead > 0 ? 'ahead' : 'behind'} (median)`;
}

/** By what a client may have waited longer than its server worked. */
const SLACK_MS = 50;
/** So many pairs are enough to tell how the clocks differ. */
const SAMPLES = 100_000;
/** How far the ends of one request's records may lie apart, beyond the difference of the clocks. */
const MARGIN_MS = 5_000;

/** Takes a finding: whether it is as it should be, and what makes it. */
type TakeFinding = (explained: boolean, make: () => Finding) => void;

/**
 * Compares what was paired, and looks for the reason of what was not.
 *
 * @param maxTransportMs By how much a client's duration may exceed the server's.
 * @param take Called for each finding, with whether it is as it should be, and with what makes it.
 */
export function findDifferences(
  store: Store,
  pairing: Pairing,
  maxTransportMs: number,
  take: TakeFinding,
): Summary {
  const summary: Summary = {
    ...{ pairs: 0, alike: 0, different: 0, differences: {} },
    ...{ only_client: 0, only_server: 0, reasons: {}, unexplained: 0 },
    compared: { arguments: 0, result: 0 },
  };
  const ahead: number[] = [];
  const sessions = new Set<number>();
  const alone = [...pairing.unansweredAsks, ...pairing.unaskedAnswers];
  const asked = new Set(alone.map((index) => store.trace.get(index)));
  const traces = new Set<number>();
  pairing.each((pair) => {
    const answer = pair.answers.at(-1) ?? -1;
    sessions.add(store.session.get(pair.ask)).add(store.session.get(answer));
    if (asked.has(store.trace.get(pair.ask))) traces.add(store.trace.get(pair.ask));
    if (ahead.length < SAMPLES) ahead.push(clockOf(store, pair.ask, answer));
    const differences = compare(store, pair, maxTransportMs, summary);
    addPair(summary, differences);
    if (differences.length > 0)
      take(false, () => ({
        kind: 'different',
        in: differences,
        ...store.targetOf(pair.ask),
        ...sidesOf(store, pair.ask, answer),
      }));
  });
  const median = ahead.sort((one, other) => one - other)[ahead.length >> 1];
  if (median !== undefined) summary.clock_ahead_ms = Math.round(median);
  const explainer = new Explainer(store, sessions, traces, median ?? 0);
  for (const ask of pairing.unansweredAsks) addAlone(store, ask, explainer.reasonOfAsk(ask), summary, take);
  for (const answer of pairing.unaskedAnswers)
    addAlone(store, answer, explainer.reasonOfAnswer(answer), summary, take);
  return summary;
}

function addPair(summary: Summary, differences: readonly Difference[]): void {
  summary.pairs++;
  summary[differences.length === 0 ? 'alike' : 'different']++;
  for (const each of differences) summary.differences[each] = (summary.differences[each] ?? 0) + 1;
}

function addAlone(store: Store, index: number, reason: Reason, summary: Summary, take: TakeFinding): void {
  const explained = EXPLAINED.has(reason);
  summary[store.isOfServer.get(index) === 1 ? 'only_server' : 'only_client']++;
  summary.reasons[reason] = (summary.reasons[reason] ?? 0) + 1;
  if (!explained) summary.unexplained++;
  take(explained, () => ({
    kind: 'one_side',
    reason,
    explained,
    ...store.targetOf(index),
    ...sidesOf(store, index),
  }));
}

/** By how much the server's clock is ahead: its work lies in the middle of the client's wait. */
function clockOf(store: Store, ask: number, answer: number): number {
  const middle = (index: number) => store.time.get(index) + store.duration.get(index) / 2;
  const difference = middle(answer) - middle(ask);
  return store.isOfServer.get(answer) === 1 ? difference : -difference;
}

function sidesOf(store: Store, ...indexes: readonly number[]): Both {
  const sides = indexes.map((index): [string, Entry] => [
    store.isOfServer.get(index) === 1 ? 'server' : 'client',
    store.entry(index),
  ]);
  return Object.fromEntries(sides) as unknown as Both;
}

/** In what the records of a pair differ. */
function compare(
  store: Store,
  { ask, answers, way }: Pair,
  maxTransportMs: number,
  summary: Summary,
): Difference[] {
  const answer = answers.at(-1) ?? -1;
  const found: Difference[] = [];
  // The record that the request names, and not one further away.
  const isNamed = way !== 'relay';
  const claimed = isNamed ? store.compareContent('arguments', ask, answer) : undefined;
  const matches = answers.map((each) => store.matches.get(each));
  if (isNamed && matches.some((each) => each !== 0)) summary.compared.arguments++;
  if (matches.includes(2)) found.push('arguments');
  // Arguments that match what the request says, which is not what the client's record says: one of the two logs is not as it was.
  if (claimed === false) found.push('commitment');
  const result = isNamed ? store.compareContent('result', ask, answer) : undefined;
  if (result !== undefined) summary.compared.result++;
  if (result === false) found.push('result');
  if (!hasSameTarget(store, ask, answer)) found.push('target');
  if (!isSameOutcome(store, ask, answer)) found.push('outcome');
  if (answers.length > Math.max(1, store.requests.get(ask))) found.push('repeated');
  const beyond = store.duration.get(ask) - store.duration.get(answer);
  const wasReceived = store.answer.get(ask) !== 0;
  if (answers.length === 1 && wasReceived && (beyond > maxTransportMs || beyond < -SLACK_MS))
    found.push('duration');
  return found;
}

/** URIs are redacted by the policies of the two logs, which may differ: the commitments to the arguments tell of them. */
function hasSameTarget(store: Store, ask: number, answer: number): boolean {
  const [one, other] = [store.target.get(ask), store.target.get(answer)];
  return one === other || store.text(store.target, ask).includes(':');
}

function isSameOutcome(store: Store, ask: number, answer: number): boolean {
  if (store.isIntent.get(ask) === 1 || store.isIntent.get(answer) === 1) return false;
  const [one, other] = [store.answer.get(ask), store.answer.get(answer)];
  // Who answers a request of the server's does not say what the answer was.
  const isSameAnswer = one === other || one === 0 || other === 0;
  return isSameAnswer && store.outcome.get(ask) === store.outcome.get(answer);
}

/** Finds the likely reason why a request is on record on one side only. */
class Explainer {
  readonly #store: Store;
  /** Sessions and traces with a pair: the logs of both sides are there. */
  readonly #sessions: ReadonlySet<number>;
  readonly #traces: ReadonlySet<number>;
  readonly #ahead: number;
  readonly #clients: ReadonlySet<number>;
  /** How many records of a hole are not accounted for. */
  readonly #left = new Map<Hole, number>();

  constructor(store: Store, sessions: ReadonlySet<number>, traces: ReadonlySet<number>, ahead: number) {
    this.#store = store;
    this.#sessions = sessions;
    this.#traces = traces;
    this.#ahead = ahead;
    const ofClients = store.asks.filter((ask) => store.isOfServer.get(ask) === 0);
    this.#clients = new Set(ofClients.map((ask) => store.client.get(ask)).filter((client) => client !== 0));
  }

  reasonOfAsk(ask: number): Reason {
    const store = this.#store;
    const servedFrom = store.servedFrom(ask);
    const isUnknown = store.isIntent.get(ask) === 1 || store.text(store.error, ask) === 'unknown_outcome';
    if (servedFrom === 'cache') return 'answered_by_client';
    if (servedFrom === 'local') return store.error.get(ask) === 0 ? 'answered_by_client' : 'not_sent';
    if (store.requests.get(ask) === 0 && !isUnknown) return 'not_sent';
    if (store.httpStatus.get(ask) >= 400 && store.answer.get(ask) === 0) return 'refused_by_http';
    const others = store.logs.filter(({ answers }) => answers > 0);
    const isOurs = this.#sessions.has(store.session.get(ask)) || this.#traces.has(store.trace.get(ask));
    const reason = this.#reasonOfLogs(ask, others, isOurs);
    // What nothing came back of may have been lost on its way.
    return reason === 'missing' && store.answer.get(ask) === 0 ? 'not_arrived' : reason;
  }

  reasonOfAnswer(answer: number): Reason {
    const store = this.#store;
    const others = store.logs.filter(({ asks }) => asks > 0);
    const isOurs =
      this.#sessions.has(store.session.get(answer)) ||
      this.#traces.has(store.trace.get(answer)) ||
      (store.isOfServer.get(answer) === 1 && this.#clients.has(store.client.get(answer)));
    return this.#reasonOfLogs(answer, others, isOurs);
  }

  #reasonOfLogs(index: number, others: readonly LogFacts[], isOurs: boolean): Reason {
    const foreign = this.#store.isOfServer.get(index) === 1 ? 'foreign_client' : 'other_server';
    if (others.length === 0) return foreign;
    // The time by the clock of the other side.
    const shift = this.#store.isOfServer.get(index) === 1 ? -this.#ahead : this.#ahead;
    const end = this.#store.end(index) + shift;
    const isWithin = (first: number, last: number) => end >= first - MARGIN_MS && end <= last + MARGIN_MS;
    for (const { holes } of isOurs ? others : [])
      for (const hole of holes) {
        const left = this.#left.get(hole) ?? hole.last - hole.first + 1;
        if (left === 0 || !isWithin(hole.after, hole.before)) continue;
        this.#left.set(hole, left - 1);
        return 'removed';
      }
    if (!isOurs) return foreign;
    if (others.some(({ losses }) => losses.some(({ first, last }) => isWithin(first, last)))) return 'lost';
    // A record is written when its request has ended, so that a process which is killed leaves none of the last ones.
    const atEnd = others.filter(({ lastTime, isStopped }) => !isStopped && end >= lastTime - MARGIN_MS);
    if (atEnd.length > 0) return 'crashed';
    if (!others.some(({ firstTime, lastTime }) => isWithin(firstTime, lastTime))) return 'not_covered';
    return others.some(({ leavesOut }) => leavesOut) ? 'left_out_by_policy' : 'missing';
  }
}
