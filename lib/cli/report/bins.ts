import type { Latency, Quantiles } from './model.js';

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
export class Histogram {
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
