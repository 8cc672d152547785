import type { AuditRecord } from '../../schema/record.js';
import { canonicalOutcome, isAboutLog, isIntent } from '../input/records.js';
import { BINS, binOf } from './summary.js';
import { OUTCOME_ORDER, type Cube, type Timeline } from './model.js';
import { Names, NO_SERVER, reasonOf } from './names.js';

/** The most buckets of a timeline: few enough to draw, and enough to see when something happened. */
const MOST_BUCKETS = 240;
/** The most periods in which durations are counted apart, each in up to {@link BINS} bins. */
const MOST_PERIODS = 12;
/** How many values of each field the page tells apart. */
const ACTORS = 200;
const TARGETS = 300;
const SERVERS = 100;
/** The most cells that a page can hold without becoming slow: of counts, and of durations. */
const MOST_CELLS = 250_000;
const MOST_BINS = 50_000;

/** The widths of buckets, in milliseconds: those that are easy to read on a clock. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 56, 112, 224, 448].map((n) => n * DAY),
];

const WIDEST = STEPS.at(-1)!;

/** Factors that pack the numbers of a kind into one safe integer: 2^15 for each of three fields, 2^8 for how it ended. */
const WIDE = 1 << 15;
const MOST_ENDS = 256;

/** Counts by period and something else, in periods that become wider when there are too many. */
class Periods {
  /** Which of {@link STEPS} is the width. */
  step = 0;
  low = Infinity;
  high = -Infinity;
  readonly #most: number;
  readonly #maps: () => Iterable<Map<number, number>>;
  /** How many values the something else has: keys are `period * others + other`. */
  readonly #others: number;
  /** Periods are numbered from here, so that the numbers are small. It is a multiple of every width. */
  #base: number | undefined;

  constructor(most: number, others: number, maps: () => Iterable<Map<number, number>>) {
    this.#most = most;
    this.#others = others;
    this.#maps = maps;
  }

  get width(): number {
    return STEPS[this.step]!;
  }

  count(map: Map<number, number>, time: number, other: number): void {
    this.#base ??= Math.floor(time / WIDEST) * WIDEST;
    const period = Math.floor((time - this.#base) / this.width);
    const key = period * this.#others + other;
    map.set(key, (map.get(key) ?? 0) + 1);
    this.low = Math.min(this.low, period);
    this.high = Math.max(this.high, period);
    while (this.high - this.low >= this.#most && this.step < STEPS.length - 1) this.#widen();
  }

  /** Widens the periods until there are no more than so many cells. */
  shrink(most: number): void {
    const cells = () => [...this.#maps()].reduce((sum, { size }) => sum + size, 0);
    while (cells() > most && this.step < STEPS.length - 1) this.#widen();
  }

  #widen(): void {
    const from = this.width;
    this.step++;
    // Not every width is a multiple of the one before (5 and 2, for example), so a period goes where its start falls. Counts
    // stay exact; bounds may shift by one period.
    const moved = (period: number) => Math.floor((period * from) / this.width);
    for (const map of this.#maps()) {
      const old = [...map];
      map.clear();
      for (const [key, count] of old) {
        const other = key - Math.floor(key / this.#others) * this.#others;
        const place = moved((key - other) / this.#others) * this.#others + other;
        map.set(place, (map.get(place) ?? 0) + count);
      }
    }
    this.low = moved(this.low);
    this.high = moved(this.high);
  }

  finish(): Timeline {
    if (this.high < this.low) return { start: 0, step: this.width, buckets: 0 };
    return {
      start: (this.#base ?? 0) + this.low * this.width,
      step: this.width,
      buckets: this.high - this.low + 1,
    };
  }
}

/** Records that have actor, target, server and end in common. */
interface Kind {
  readonly actor: number;
  readonly target: number;
  readonly server: number;
  readonly end: number;
  readonly counts: Map<number, number>;
  readonly bins: Map<number, number>;
  last: number;
  trace: string;
  longest: number;
}

/** Counts records by time, actor, target, server and how they ended, and operations by how long they took: in one pass and bounded memory. */
export class CubeBuilder {
  readonly actors = new Names();
  readonly targets = new Names();
  readonly servers = new Names();
  readonly #ends: Cube['ends'][number][] = [];
  readonly #endNumbers = new Map<string, number>();
  readonly #kinds = new Map<number, { readonly number: number; readonly kind: Kind }>();
  readonly #sensitivity = new Map<number, number>();
  readonly #buckets = new Periods(MOST_BUCKETS, 1, () => this.#all((kind) => kind.counts));
  readonly #periods = new Periods(MOST_PERIODS, BINS, () => this.#all((kind) => kind.bins));

  *#all(read: (kind: Kind) => Map<number, number>): Generator<Map<number, number>> {
    for (const { kind } of this.#kinds.values()) yield read(kind);
  }

  /**
   * Counts one record.
   *
   * @param sensitivity The rank of the data that it touched, -1 if it touched none.
   * @returns The number of its kind; {@link finish} says which place of the cube that is.
   */
  add(record: AuditRecord, sensitivity: number): number {
    const isOperation = !isAboutLog(record) && !isIntent(record);
    const actor = this.actors.take(record.actor_id, isOperation);
    const target = this.targets.take(record.resource, isOperation);
    const server = this.servers.take(record.server_id ?? NO_SERVER, isOperation);
    const end = this.#end(record, isOperation);
    const key = ((actor * WIDE + target) * WIDE + server) * MOST_ENDS + end;
    let found = this.#kinds.get(key);
    if (found === undefined) {
      const kind = { actor, target, server, end, counts: new Map(), bins: new Map() };
      found = { number: this.#kinds.size, kind: { ...kind, last: -Infinity, trace: '', longest: 0 } };
      this.#kinds.set(key, found);
    }
    this.#count(found.kind, record, isOperation);
    if (sensitivity > (this.#sensitivity.get(target) ?? -1)) this.#sensitivity.set(target, sensitivity);
    return found.number;
  }

  #count(kind: Kind, record: AuditRecord, isOperation: boolean): void {
    const time = Date.parse(record.time);
    if (Number.isNaN(time)) return;
    this.#buckets.count(kind.counts, time, 0);
    if (time >= kind.last) {
      kind.last = time;
      kind.trace = record.trace_id;
    }
    const { duration_ms: took } = record;
    if (!isOperation || !(took >= 0)) return;
    this.#periods.count(kind.bins, time, binOf(took));
    if (took > kind.longest) kind.longest = took;
  }

  /** The number of an end. When there are too many reasons, further ones are counted by the type of the error, then by the outcome alone. */
  #end(record: AuditRecord, isOperation: boolean): number {
    const outcome = OUTCOME_NUMBER.get(canonicalOutcome(record.outcome)) ?? UNKNOWN;
    for (const reason of reasonsOf(record, outcome)) {
      const key = `${outcome}${isOperation ? '+' : '-'}${reason}`;
      const found = this.#endNumbers.get(key);
      if (found !== undefined) return found;
      // The last places are for ends without a reason, of which there are two for each outcome.
      if (this.#ends.length >= MOST_ENDS - 2 * OUTCOME_ORDER.length && reason !== '') continue;
      this.#endNumbers.set(key, this.#ends.length);
      return this.#ends.push({ outcome, operation: isOperation ? 1 : 0, reason }) - 1;
    }
    return 0;
  }

  /** Returns the counts, and the place of each kind that {@link add} gave a number. */
  finish(): { cube: Cube; timeline: Timeline; places: Uint32Array } {
    this.#buckets.shrink(MOST_CELLS);
    this.#periods.shrink(MOST_BINS);
    const actors = this.actors.fold(ACTORS);
    const targets = this.targets.fold(TARGETS);
    const servers = this.servers.fold(SERVERS);
    const merged = new Map<string, { place: number; kind: Kind }>();
    const places = new Uint32Array(this.#kinds.size);
    for (const { number, kind } of this.#kinds.values()) {
      const folded = {
        ...kind,
        actor: actors.renumber[kind.actor]!,
        target: targets.renumber[kind.target]!,
        server: servers.renumber[kind.server]!,
      };
      const key = `${folded.actor} ${folded.target} ${folded.server} ${folded.end}`;
      const found = merged.get(key);
      if (found === undefined) merged.set(key, { place: merged.size, kind: folded });
      else merge(found.kind, folded);
      places[number] = found?.place ?? merged.size - 1;
    }
    const sensitivity = targets.dimension.names.map(() => -1);
    for (const [target, rank] of this.#sensitivity) {
      const place = targets.renumber[target]!;
      sensitivity[place] = Math.max(sensitivity[place]!, rank);
    }
    const kinds = [...merged.values()].map(({ kind }) => kind);
    const timeline = this.#buckets.finish();
    const periods = this.#periods.finish();
    const cube = {
      actors: actors.dimension,
      targets: targets.dimension,
      servers: servers.dimension,
      sensitivity,
      ends: this.#ends,
      kinds: kinds.map(({ actor, target, server, end }) => [actor, target, server, end] as const),
      last: kinds.map(({ last }) => (Number.isFinite(last) ? last : 0)),
      traces: kinds.map(({ end, trace }) => (this.#ends[end]?.outcome === 0 ? '' : trace)),
      longest: kinds.map(({ longest }) => longest),
      counts: kinds.map(({ counts }) => cells(counts, this.#buckets.low)),
      periods,
      durations: kinds.map(({ bins }) => cells(bins, this.#periods.low * BINS)),
    };
    return { cube, timeline, places };
  }
}

const OUTCOME_NUMBER: ReadonlyMap<string, number> = new Map(
  OUTCOME_ORDER.map((name, index) => [name, index]),
);
const UNKNOWN = OUTCOME_ORDER.indexOf('OUTCOME_UNSPECIFIED');

/** Why an operation ended as it did, from the most to the least exact. */
function reasonsOf({ error, mcp, resource }: AuditRecord, outcome: number): readonly string[] {
  if (error === undefined || outcome === 0) return NO_REASON;
  const subjects = [resource, mcp?.tool_name, mcp?.prompt_name, mcp?.resource_uri];
  return [reasonOf(error.type, error.message, subjects), error.type, ''];
}

const NO_REASON = [''] as const;

function merge(into: Kind, kind: Kind): void {
  for (const name of ['counts', 'bins'] as const)
    for (const [key, count] of kind[name]) into[name].set(key, (into[name].get(key) ?? 0) + count);
  into.longest = Math.max(into.longest, kind.longest);
  if (kind.last >= into.last) {
    into.last = kind.last;
    into.trace = kind.trace;
  }
}

/** Cells in order, each as its distance from the one before, then its count. */
function cells(map: ReadonlyMap<number, number>, low: number): number[] {
  let before = low;
  return [...map]
    .sort(([a], [b]) => a - b)
    .flatMap(([key, count]) => {
      const distance = key - before;
      before = key;
      return [distance, count];
    });
}
