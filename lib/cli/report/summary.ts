import {
  OUTCOME_ORDER,
  type Latency,
  type Quantiles,
  type Cube,
  type FailureGroup,
  type Summary,
  type TouchedData,
} from './model.js';
import { OTHER, templatesOf } from './names.js';

/** Bins: 20 to a decade, from 0.01 ms up to 10^7 ms (nearly three hours). A quantile, the middle of its bin, is right within 6 %. */
const PER_DECADE = 20;
const LOWEST = 0.01;
const DECADES = 9;
/** How many bins there are. */
export const BINS = PER_DECADE * DECADES + 1;
/** The bins of the chart: five to a decade, from 0.1 ms to 10^6 ms. */
const SHOWN_PER_DECADE = 5;
const SHOWN_FROM = 0.1;
const SHOWN_DECADES = 7;

/** The bin of a duration in milliseconds. */
export function binOf(ms: number): number {
  return ms <= LOWEST ? 0 : Math.min(BINS - 1, Math.ceil(Math.log10(ms / LOWEST) * PER_DECADE - 1e-9));
}

/** The longest duration that the bins allow, in milliseconds. */
export function longestIn(bins: readonly (readonly [bin: number, count: number])[]): number {
  return LOWEST * 10 ** (Math.max(0, ...bins.map(([bin]) => bin)) / PER_DECADE);
}

/** Operations by how long they took. */
class Histogram {
  readonly counts = new Float64Array(BINS);
  total = 0;
  /** The longest duration, as far as it is known; no quantile is longer. */
  longest = 0;

  add(bin: number, count: number): void {
    this.counts[bin]! += count;
    this.total += count;
  }

  #quantile(part: number): number {
    const rank = Math.ceil(this.total * part);
    let seen = 0;
    for (let bin = 0; bin < BINS; bin++) {
      seen += this.counts[bin]!;
      if (seen >= rank && seen > 0) return Math.min(this.longest, LOWEST * 10 ** ((bin - 0.5) / PER_DECADE));
    }
    return 0;
  }

  get quantiles(): Quantiles {
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => this.#quantile(part));
    return { p50: p50!, p95: p95!, p99: p99!, max: this.longest };
  }

  /** The counts in the bins of the chart. */
  get shown(): Pick<Latency, 'bounds' | 'counts'> {
    const bounds = Array.from(
      { length: SHOWN_PER_DECADE * SHOWN_DECADES + 1 },
      (_, index) => SHOWN_FROM * 10 ** (index / SHOWN_PER_DECADE),
    );
    const counts = new Array<number>(bounds.length + 1).fill(0);
    this.counts.forEach((count, bin) => {
      const ms = LOWEST * 10 ** (bin / PER_DECADE);
      const place = bounds.findIndex((bound) => ms <= bound * 1.0001);
      counts[place === -1 ? bounds.length : place]! += count;
    });
    return { bounds, counts };
  }
}

/** How many rows a table of the page has. */
const LISTED = 12;
const NAMED_ACTORS = 3;

/** The part of a kind that is chosen. */
export interface Share {
  /** The place of the kind in the cube. */
  readonly kind: number;
  /** How many records. */
  count: number;
  /** When the last one was, in milliseconds since the epoch; and its trace, where that is known. */
  last: number;
  trace: string;
  /** How long the longest took, in milliseconds. */
  longest: number;
  /** Operations by bin of duration, each a bin and a count. */
  readonly bins: (readonly [bin: number, count: number])[];
}

/** Calls back for each cell of a list of the cube: see {@link Cube.counts}. */
export function eachCell(cells: readonly number[], visit: (place: number, count: number) => void): void {
  let place = 0;
  for (let at = 0; at < cells.length; at += 2) visit((place += cells[at]!), cells[at + 1]!);
}

/** All that a cube counts. */
export function wholeOf(cube: Cube): Share[] {
  return cube.kinds.map((_, kind) => {
    let count = 0;
    eachCell(cube.counts[kind]!, (_bucket, part) => (count += part));
    const bins: Share['bins'] = [];
    eachCell(cube.durations[kind]!, (place, part) => bins.push([place % BINS, part]));
    const [last, trace, longest] = [cube.last[kind]!, cube.traces[kind]!, cube.longest[kind]!];
    return { kind, count, last, trace, longest, bins };
  });
}

const FAILED = new Set([OUTCOME_ORDER.indexOf('OUTCOME_FAILURE_ERROR')]);
const REFUSED = new Set([
  OUTCOME_ORDER.indexOf('OUTCOME_FAILURE_DENIED'),
  OUTCOME_ORDER.indexOf('OUTCOME_FAILURE_UNAUTHORIZED'),
]);

/** Sums up chosen parts of a cube. Targets are grouped by `templates`, which has the template of each. */
export class Summarizer {
  readonly #cube: Cube;
  /** The template of each target. */
  readonly templates: readonly string[];

  constructor(cube: Cube) {
    this.#cube = cube;
    const { names, exact } = cube.targets;
    this.templates = [...templatesOf(names.slice(0, exact)), ...names.slice(exact)];
  }

  summarize(shares: readonly Share[]): Summary {
    const { kinds, ends } = this.#cube;
    const operations = shares.filter(
      ({ kind, count }) => count > 0 && ends[kinds[kind]![3]]!.operation === 1,
    );
    const outcomes = OUTCOME_ORDER.map(() => 0);
    let unknown = 0;
    for (const { kind, count } of operations) {
      const { outcome, reason } = ends[kinds[kind]![3]]!;
      outcomes[outcome]! += count;
      if (reason.startsWith('unknown_outcome')) unknown += count;
    }
    const actors = sums(operations, (kind) => kinds[kind]![0]);
    const failures = this.#groups(operations, FAILED);
    const denials = this.#groups(operations, REFUSED);
    const touched = this.#touched(operations);
    return {
      records: shares.reduce((sum, { count }) => sum + count, 0),
      operations: outcomes.reduce((sum, count) => sum + count, 0),
      actors: this.#distinct(actors, 'actors'),
      targets: this.#distinct(
        sums(operations, (kind) => kinds[kind]![1]),
        'targets',
      ),
      servers: this.#distinct(
        sums(operations, (kind) => kinds[kind]![2]),
        'servers',
      ),
      outcomes,
      unknown,
      busiest: this.#cube.actors.names[largest(actors)[0]?.[0] ?? -1] ?? '',
      latency: this.#latency(operations),
      failures: failures.slice(0, LISTED),
      denials: denials.slice(0, LISTED),
      failureKinds: failures.length,
      denialKinds: denials.length,
      touched: touched.slice(0, LISTED),
      touchedKinds: touched.length,
    };
  }

  /** How many names there are. Those that stand for several count as several only where all of them are chosen. */
  #distinct(chosen: ReadonlyMap<number, number>, dimension: 'actors' | 'targets' | 'servers'): number {
    const { exact, names, folded } = this.#cube[dimension];
    const wide = [...chosen.keys()].filter((place) => place >= exact).length;
    const all = wide > 0 && wide === names.length - exact;
    return chosen.size - wide + (all ? folded : wide);
  }

  #latency(operations: readonly Share[]): Summary['latency'] {
    const { kinds } = this.#cube;
    const whole = new Histogram();
    const targets = new Map<string, Histogram>();
    for (const { kind, bins, longest } of operations) {
      const name = this.templates[kinds[kind]![1]]!;
      let one = targets.get(name);
      if (one === undefined) targets.set(name, (one = new Histogram()));
      for (const histogram of [whole, one]) {
        histogram.longest = Math.max(histogram.longest, longest);
        for (const [bin, count] of bins) histogram.add(bin, count);
      }
    }
    const busiest = [...targets]
      .filter(([, { total }]) => total > 0)
      .sort(([a, x], [b, y]) => y.total - x.total || (a < b ? -1 : 1))
      .slice(0, LISTED)
      .map(([name, { total, quantiles }]) => ({ name, count: total, ...quantiles }));
    return { ...whole.shown, quantiles: whole.quantiles, targets: busiest };
  }

  /** Groups what failed by its reason and the template of its target; the largest group first. */
  #groups(operations: readonly Share[], outcomes: ReadonlySet<number>): FailureGroup[] {
    const { kinds, ends, actors } = this.#cube;
    const groups = new Map<string, Share[]>();
    for (const share of operations) {
      const [, target, , end] = kinds[share.kind]!;
      const { outcome, reason } = ends[end]!;
      if (!outcomes.has(outcome)) continue;
      const key = JSON.stringify([reason === '' ? outcome : reason, this.templates[target]]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [share]);
      else group.push(share);
    }
    return [...groups.values()]
      .map((shares) => {
        const [, target, , end] = kinds[shares[0]!.kind]!;
        const { reason, outcome } = ends[end]!;
        const last = shares.reduce((a, b) => (b.last > a.last ? b : a));
        const acting = largest(sums(shares, (kind) => kinds[kind]![0]));
        return {
          reason: reason === '' ? outcomeWord(OUTCOME_ORDER[outcome]!) : reason,
          ...this.#named(shares, target),
          actors: acting.slice(0, NAMED_ACTORS).map(([actor]) => actors.names[actor] ?? OTHER),
          count: shares.reduce((sum, { count }) => sum + count, 0),
          last: new Date(last.last).toISOString(),
          trace: last.trace,
        };
      })
      .sort((a, b) => b.count - a.count || (a.last < b.last ? 1 : -1));
  }

  /** The target of a group by its name, or by the template of its names where it has several. */
  #named(shares: readonly Share[], target: number): { target: string; targets: number } {
    const targets = new Set(shares.map(({ kind }) => this.#cube.kinds[kind]![1]));
    const name = targets.size === 1 ? this.#cube.targets.names[target]! : this.templates[target]!;
    return { target: name, targets: targets.size };
  }

  /** The most sensitive data first; of equally sensitive, the most used. */
  #touched(operations: readonly Share[]): TouchedData[] {
    const { kinds, ends, sensitivity } = this.#cube;
    const groups = new Map<string, Share[]>();
    for (const share of operations) {
      const target = kinds[share.kind]![1];
      if (sensitivity[target]! < 0) continue;
      const group = groups.get(this.templates[target]!);
      if (group === undefined) groups.set(this.templates[target]!, [share]);
      else group.push(share);
    }
    const sum = (shares: readonly Share[]) => shares.reduce((total, { count }) => total + count, 0);
    return [...groups.values()]
      .map((shares) => {
        const { target, targets } = this.#named(shares, kinds[shares[0]!.kind]![1]);
        return {
          name: target,
          names: targets,
          sensitivity: Math.max(...shares.map(({ kind }) => sensitivity[kinds[kind]![1]]!)),
          count: sum(shares),
          failed: sum(shares.filter(({ kind }) => ends[kinds[kind]![3]]!.outcome !== 0)),
          actors: new Set(shares.map(({ kind }) => kinds[kind]![0])).size,
          last: new Date(Math.max(...shares.map(({ last }) => last))).toISOString(),
        };
      })
      .sort((a, b) => b.sensitivity - a.sensitivity || b.count - a.count || (a.name < b.name ? -1 : 1));
  }
}

/** `denied` for `OUTCOME_FAILURE_DENIED`. */
export function outcomeWord(outcome: string): string {
  return outcome.replace('OUTCOME_', '').replace('FAILURE_', '').toLowerCase();
}

function sums(shares: readonly Share[], read: (kind: number) => number): Map<number, number> {
  const result = new Map<number, number>();
  for (const { kind, count } of shares) result.set(read(kind), (result.get(read(kind)) ?? 0) + count);
  return result;
}

function largest(counts: ReadonlyMap<number, number>): [number, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}
