import uPlot from 'uplot';
import type { Latency } from '../../lib/cli/report/model.js';
import { axes, colour, TIME_TICKS } from './axes.js';
import { overTime, totals } from './counts.js';
import { byId, clock, count, h } from './dom.js';
import { OUTCOME_GROUPS, type State } from './state.js';

/** The width of a chart on paper (A4 without its margins, at 96 dots an inch); undefined on a screen. */
const PRINTED_WIDTH = 660;
let printing = false;

/** From now on charts are drawn for paper, or for the screen again. */
export function drawForPaper(on: boolean): void {
  printing = on;
}

/** The width of a place without its padding. */
function innerWidth(place: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(place);
  return place.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
}

/** Draws a chart into its place and keeps it as wide as the place. */
class Chart {
  readonly place: HTMLElement;
  readonly #options: (width: number) => uPlot.Options;
  readonly #data: () => uPlot.AlignedData;
  #plot: uPlot | undefined;

  constructor(place: HTMLElement, options: (width: number) => uPlot.Options, data: () => uPlot.AlignedData) {
    this.place = place;
    this.#options = options;
    this.#data = data;
    new ResizeObserver(() => this.resize()).observe(place);
  }

  get width(): number {
    return printing ? PRINTED_WIDTH : Math.max(260, Math.floor(innerWidth(this.place)));
  }

  draw(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(this.width), this.#data(), this.place);
  }

  resize(): void {
    const plot = this.#plot;
    if (plot !== undefined && !printing && plot.width !== this.width)
      plot.setSize({ width: this.width, height: plot.height });
  }
}

const utc = (seconds: number): Date => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');

function timeAxes(format?: (value: number) => string): uPlot.Axis[] {
  const [time, ...others] = axes(format);
  return [{ ...time, values: TIME_TICKS }, ...others];
}

/** Paper has less room than a screen that scrolls. */
function chartHeight(height: number): number {
  return printing ? Math.round(height * 0.75) : height;
}

function timeOptions(
  state: State,
  width: number,
  height: number,
  series: uPlot.Series[],
  format?: (value: number) => string,
): uPlot.Options {
  const { start, step } = state.model.timeline;
  return {
    width,
    height: chartHeight(height),
    tzDate: utc,
    padding: [10, 8, 0, 0],
    cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false }, points: { show: false } },
    legend: { live: true },
    scales: {
      // A bucket reaches from its time to the next: the last one, too, is to be seen.
      x: { time: true, range: (_plot, low, high) => [low, high + step / 1000] },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    axes: timeAxes(format),
    series: [{ value: (_plot, at) => (at === null ? 'all shown' : `${clock(at * 1000)} UTC`) }, ...series],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 3) return;
          const bucket = (x: number) => Math.floor((plot.posToVal(x, 'x') * 1000 - start) / step);
          const { buckets } = state.model.timeline;
          const from = Math.max(0, bucket(plot.select.left));
          const to = Math.min(buckets - 1, bucket(plot.select.left + plot.select.width));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          state.change({ from, to: Math.max(from, to) });
        },
      ],
    },
  };
}

/** The buckets that are shown: all, or the chosen range. */
function shownBuckets({ choice, model: { timeline } }: State): [from: number, to: number] {
  return [choice.from ?? 0, choice.to ?? timeline.buckets - 1];
}

function bucketSeconds(state: State): number[] {
  const [from, to] = shownBuckets(state);
  const { start, step } = state.model.timeline;
  return Array.from({ length: to - from + 1 }, (_, index) => (start + (from + index) * step) / 1000);
}

/** The operations over time, stacked by outcome. */
function timelineChart(state: State, place: HTMLElement): Chart {
  const bars = uPlot.paths.bars!({ size: [0.9, 60], gap: 0, align: 1 });
  let plain: number[][] = [];
  // The first series is drawn first and reaches highest: what later ones leave uncovered is its own part.
  const series = [...OUTCOME_GROUPS.keys()].reverse().map((group): uPlot.Series => {
    const { name, key } = OUTCOME_GROUPS[group]!;
    return {
      label: name,
      fill: colour(key),
      stroke: colour(key),
      width: 0,
      paths: bars,
      points: { show: false },
      value: (_plot, _value, _series, at) =>
        count(
          at === null ? (plain[group] ?? []).reduce((sum, part) => sum + part, 0) : (plain[group]?.[at] ?? 0),
        ),
    };
  });
  return new Chart(
    place,
    (width) => timeOptions(state, width, 240, recoloured(series)),
    () => {
      const [from, to] = shownBuckets(state);
      plain = overTime(state.model.cube, state.choice, state.model.timeline.buckets).map((row) =>
        row.slice(from, to + 1),
      );
      const stacked: number[][] = [];
      plain.forEach((row, group) =>
        stacked.push(row.map((value, at) => value + (stacked[group - 1]?.[at] ?? 0))),
      );
      return [bucketSeconds(state), ...stacked.reverse()];
    },
  );
}

/** Colours are read when a chart is drawn, not when it is made: the theme may have changed in between. */
function recoloured(series: readonly uPlot.Series[]): uPlot.Series[] {
  return series.map((one) => {
    const group = OUTCOME_GROUPS.find(({ name }) => name === one.label);
    return group === undefined ? one : { ...one, fill: colour(group.key), stroke: colour(group.key) };
  });
}

/** The part of operations that did not succeed, over time. */
function failureChart(state: State, place: HTMLElement): Chart {
  let overall = NaN;
  return new Chart(
    place,
    (width) =>
      timeOptions(
        state,
        width,
        150,
        [
          {
            label: 'Refused or failed',
            stroke: colour('failed'),
            fill: colour('failed-faint'),
            width: 1.5,
            points: { show: false },
            value: (_plot, value, _series, at) => {
              const shown = at === null ? overall : value;
              return Number.isFinite(shown) ? `${shown.toFixed(1)} %` : '';
            },
          },
        ],
        (value) => `${value} %`,
      ),
    () => {
      const [from, to] = shownBuckets(state);
      const series = overTime(state.model.cube, state.choice, state.model.timeline.buckets);
      const shown = series.map((row) => row.slice(from, to + 1).reduce((sum, part) => sum + part, 0));
      overall = ((shown[2]! + shown[3]!) / shown.reduce((sum, part) => sum + part, 0)) * 100;
      const share = bucketSeconds(state).map((_, index) => {
        const at = from + index;
        const all = series.reduce((sum, row) => sum + row[at]!, 0);
        return at > to || all === 0 ? null : ((series[2]![at]! + series[3]![at]!) / all) * 100;
      });
      return [bucketSeconds(state), share];
    },
  );
}

/** `0.1 ms`, `3 s`: a latency on an axis. */
function shortDuration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1e6 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Number((ms / 60_000).toPrecision(2))} min`;
}

function latencyChart({ bounds, counts }: Latency, place: HTMLElement): Chart {
  const used = counts.map((value, bin) => (value > 0 ? bin : -1)).filter((bin) => bin >= 0);
  const first = Math.max(0, (used[0] ?? 0) - 1);
  const last = Math.min(counts.length - 1, (used.at(-1) ?? 0) + 1);
  const bins = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const label = (bin: number) => (bin >= bounds.length ? 'longer' : `≤ ${shortDuration(bounds[bin] ?? 0)}`);
  return new Chart(
    place,
    (width) => ({
      width,
      height: chartHeight(240),
      padding: [10, 8, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [first - 0.6, last + 0.6] },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
      },
      axes: [
        {
          ...axes()[0]!,
          space: 64,
          values: (_plot, values) =>
            values.map((value) => (Number.isInteger(value) ? label(value).replace('≤ ', '') : '')),
        },
        axes()[1]!,
      ],
      series: [
        { label: 'Took', value: (_plot, bin) => (bin === null ? 'any time' : label(bin)) },
        {
          label: 'Operations',
          fill: colour('accent'),
          stroke: colour('accent'),
          width: 0,
          paths: uPlot.paths.bars!({ size: [0.86, 60] }),
          points: { show: false },
          value: (_plot, value) => count(value ?? counts.reduce((sum, part) => sum + part, 0)),
        },
      ],
    }),
    () => [bins, bins.map((bin) => counts[bin] ?? 0)],
  );
}

function figure(title: string, place: HTMLElement, hint = ''): HTMLElement {
  return h('figure', {}, h('figcaption', {}, title, h('span', { class: 'hint' }, hint)), place);
}

/** All charts of the page. Returns what draws them anew, for a changed theme or a printer. */
export function setUpCharts(state: State): () => void {
  const timeline = h('div', { class: 'chart', role: 'img' });
  const failing = h('div', { class: 'chart', role: 'img' });
  const table = h('details', { class: 'as-table' }, h('summary', {}, 'The timeline as a table'));
  byId('charts').append(
    figure('Operations over time', timeline, ' (drag across to choose a range)'),
    figure('Refused or failed, in per cent of operations', failing),
    table,
  );
  byId('charts').hidden = false;
  const moving = [timelineChart(state, timeline), failureChart(state, failing)];
  const still = latencyChart(state.model.latency, byId('latency-chart'));
  const describe = () => {
    const sums = totals(state.model.cube, state.choice);
    const words = OUTCOME_GROUPS.map(
      ({ name }, group) => `${name.toLowerCase()} ${count(sums[group] ?? 0)}`,
    ).join(', ');
    timeline.setAttribute('aria-label', `Bar chart of operations over time: ${words}.`);
    failing.setAttribute(
      'aria-label',
      `Line chart of the part of operations that was refused or failed: ${words}.`,
    );
  };
  byId('latency-chart').setAttribute('role', 'img');
  byId('latency-chart').setAttribute(
    'aria-label',
    'Bar chart of how long operations took; the table beside it has the figures.',
  );
  const drawMoving = () => {
    for (const chart of moving) chart.draw();
    describe();
    if (table.open) fillTable(state, table);
  };
  table.addEventListener('toggle', () => table.open && fillTable(state, table));
  state.onChange(drawMoving);
  const drawAll = () => {
    drawMoving();
    still.draw();
  };
  drawAll();
  return drawAll;
}

function fillTable(state: State, details: HTMLDetailsElement): void {
  const [from, to] = shownBuckets(state);
  const { start, step, buckets } = state.model.timeline;
  const series = overTime(state.model.cube, state.choice, buckets);
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'From (UTC)'),
    ...OUTCOME_GROUPS.map(({ name }) => h('th', { scope: 'col', class: 'number' }, name)),
  );
  const body = h('tbody');
  for (let bucket = from; bucket <= to; bucket++) {
    if (series.every((row) => row[bucket] === 0)) continue;
    body.append(
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, clock(start + bucket * step)),
        ...series.map((row) => h('td', { class: 'number' }, count(row[bucket]!))),
      ),
    );
  }
  details.querySelector('.scroll')?.remove();
  details.append(h('div', { class: 'scroll tall', tabindex: 0 }, h('table', {}, h('thead', {}, head), body)));
}
