import { BINS, longestIn, eachCell, type Share } from '../../lib/cli/report/summary.js';
import type { ReportModel } from '../../lib/cli/report/model.js';
import { groupOf, type Row } from './records.js';
import { OUTCOME_GROUPS } from './state.js';

/** Counts records of the cube, of rows, or of both, within a range of buckets. */
export class Counter {
  /** For each kind, the records within the range. */
  readonly counts: Float64Array;
  readonly #model: ReportModel;
  /** The kinds that the cube is asked about; undefined for all. */
  readonly #named: Uint8Array | undefined;
  readonly #first: number;
  readonly #last: number;
  readonly #rows: Row[] = [];
  #fromCube = false;

  constructor(
    model: ReportModel,
    named: Uint8Array | undefined,
    { first, last }: { first: number; last: number },
  ) {
    this.#model = model;
    this.#named = named;
    this.#first = first;
    this.#last = last;
    this.counts = new Float64Array(model.cube.kinds.length);
  }

  #within(bucket: number): boolean {
    return bucket >= this.#first && bucket <= this.#last;
  }

  #isNamed(kind: number): boolean {
    return this.#named === undefined || this.#named[kind] === 1;
  }

  takeCube(): void {
    this.#fromCube = true;
    this.#model.cube.counts.forEach((cells, kind) => {
      if (!this.#isNamed(kind)) return;
      eachCell(cells, (bucket, count) => {
        if (this.#within(bucket)) this.counts[kind]! += count;
      });
    });
  }

  takeRows(rows: readonly Row[], wanted: (row: Row) => boolean): void {
    for (const row of rows) {
      if (!wanted(row)) continue;
      this.#rows.push(row);
      if (this.#within(row.bucket)) this.counts[row.kind]!++;
    }
  }

  /** Operations by bucket for each group of outcomes, of the kinds of a mask. */
  seriesOf(mask: Uint8Array): number[][] {
    const { cube, timeline } = this.#model;
    const series = OUTCOME_GROUPS.map(() => new Array<number>(timeline.buckets).fill(0));
    const place = cube.kinds.map(([, , , end], kind) => {
      const { outcome, operation } = cube.ends[end]!;
      return mask[kind] === 1 && operation === 1 ? groupOf(outcome) : -1;
    });
    if (this.#fromCube)
      cube.counts.forEach((cells, kind) => {
        const one = series[place[kind]!];
        if (one !== undefined && this.#isNamed(kind))
          eachCell(cells, (bucket, count) => (one[bucket]! += count));
      });
    for (const { kind, bucket } of this.#rows) {
      const one = series[place[kind]!];
      if (one?.[bucket] !== undefined) one[bucket]++;
    }
    return series;
  }

  /** The chosen part of each kind of a mask. */
  shares(mask: Uint8Array): Share[] {
    const shares = new Map<number, Share>();
    if (this.#fromCube)
      this.counts.forEach((count, kind) => {
        if (mask[kind] === 1 && count > 0 && this.#isNamed(kind)) shares.set(kind, this.#fromKind(kind));
      });
    for (const row of this.#rows) {
      if (mask[row.kind] !== 1 || !this.#within(row.bucket)) continue;
      const share = shares.get(row.kind);
      if (share === undefined) shares.set(row.kind, fromRow(row));
      else addRow(share, row);
    }
    return [...shares.values()];
  }

  /** The part of a kind that the cube counts. Durations are counted by periods: all that the range touches are taken. */
  #fromKind(kind: number): Share {
    const { cube, timeline } = this.#model;
    const { periods } = cube;
    const all = this.#first === 0 && this.#last === timeline.buckets - 1;
    const [from, to] = [this.#first, this.#last + 1].map((bucket) => timeline.start + bucket * timeline.step);
    const bins: Share['bins'][number][] = [];
    eachCell(cube.durations[kind]!, (cell, count) => {
      const begin = periods.start + Math.floor(cell / BINS) * periods.step;
      if (all || (begin < to! && begin + periods.step > from!)) bins.push([cell % BINS, count]);
    });
    const longest = all ? cube.longest[kind]! : Math.min(cube.longest[kind]!, longestIn(bins));
    return { kind, count: this.counts[kind]!, ...this.#lastOf(kind), longest, bins };
  }

  /** When the last record of a kind within the range was: to the bucket, where it is not the last of all. */
  #lastOf(kind: number): Pick<Share, 'last' | 'trace'> {
    const { cube, timeline } = this.#model;
    const { start, step } = timeline;
    const last = cube.last[kind]!;
    if (this.#within(Math.floor((last - start) / step))) return { last, trace: cube.traces[kind]! };
    let bucket = this.#first;
    eachCell(cube.counts[kind]!, (at) => {
      if (this.#within(at)) bucket = at;
    });
    return { last: start + bucket * step, trace: '' };
  }
}

function fromRow({ kind, time, record, bin }: Row): Share {
  return {
    kind,
    count: 1,
    last: time,
    trace: record.trace_id,
    longest: record.duration_ms,
    bins: [[bin, 1]],
  };
}

function addRow(share: Share, { time, record, bin }: Row): void {
  share.count++;
  share.bins.push([bin, 1]);
  share.longest = Math.max(share.longest, record.duration_ms);
  if (time < share.last) return;
  share.last = time;
  share.trace = record.trace_id;
}
