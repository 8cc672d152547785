import type { Latency, Quantiles } from './model.js';

/** Bins: 40 to a decade, from 0.01 ms up to 10^7 ms (nearly three hours). A quantile is right within 6 %. */
const PER_DECADE = 40;
const LOWEST = 0.01;
const DECADES = 9;
const BINS = PER_DECADE * DECADES + 1;
/** The bins of the chart: five to a decade, from 0.1 ms to 10^6 ms. */
const SHOWN_PER_DECADE = 5;
const SHOWN_FROM = 0.1;
const SHOWN_DECADES = 7;
/** How many targets have a histogram of their own. */
const TIMED_TARGETS = 2000;
const LISTED = 12;

class Histogram {
  readonly counts = new Uint32Array(BINS);
  total = 0;
  max = 0;

  add(ms: number): void {
    const bin = ms <= LOWEST ? 0 : Math.min(BINS - 1, Math.ceil(Math.log10(ms / LOWEST) * PER_DECADE));
    this.counts[bin]!++;
    this.total++;
    if (ms > this.max) this.max = ms;
  }

  quantile(part: number): number {
    const rank = Math.ceil(this.total * part);
    let seen = 0;
    for (let bin = 0; bin < BINS; bin++) {
      seen += this.counts[bin]!;
      if (seen >= rank && seen > 0) return Math.min(this.max, LOWEST * 10 ** (bin / PER_DECADE));
    }
    return 0;
  }

  get quantiles(): Quantiles {
    return { p50: this.quantile(0.5), p95: this.quantile(0.95), p99: this.quantile(0.99), max: this.max };
  }
}

/** Gathers how long operations took. */
export class LatencyBuilder {
  readonly #all = new Histogram();
  readonly #targets = new Map<string, Histogram>();

  add(target: string, ms: number): void {
    if (!(ms >= 0)) return;
    this.#all.add(ms);
    let histogram = this.#targets.get(target);
    if (histogram === undefined) {
      if (this.#targets.size >= TIMED_TARGETS) return;
      this.#targets.set(target, (histogram = new Histogram()));
    }
    histogram.add(ms);
  }

  finish(): Latency {
    const bounds = Array.from(
      { length: SHOWN_PER_DECADE * SHOWN_DECADES + 1 },
      (_, index) => SHOWN_FROM * 10 ** (index / SHOWN_PER_DECADE),
    );
    const counts = new Array<number>(bounds.length + 1).fill(0);
    this.#all.counts.forEach((count, bin) => {
      const ms = LOWEST * 10 ** (bin / PER_DECADE);
      const place = bounds.findIndex((bound) => ms <= bound * 1.0001);
      counts[place === -1 ? bounds.length : place]! += count;
    });
    const targets = [...this.#targets]
      .sort(([a, x], [b, y]) => y.total - x.total || (a < b ? -1 : 1))
      .slice(0, LISTED)
      .map(([name, histogram]) => ({ name, count: histogram.total, ...histogram.quantiles }));
    return { bounds, counts, quantiles: this.#all.quantiles, targets };
  }
}
