import uPlot from 'uplot';
import { axes, colour, distances, PADDING, TIME_TICKS, visible } from './axes.js';
import { Chart, chartHeight } from './chart.js';
import { byId, clock, count, h } from './dom.js';
import type { Selection, Selector } from './selection.js';
import { OUTCOME_GROUPS, type State } from './state.js';

const utc = (seconds: number): Date => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** What the charts draw. */
interface Shown {
  readonly state: State;
  readonly selector: Selector;
  readonly selection: () => Selection;
}

function timeOptions(
  shown: Shown,
  width: number,
  height: number,
  series: uPlot.Series[],
  format?: (value: number) => string,
): uPlot.Options {
  const { state } = shown;
  const { start, step, buckets } = state.model.timeline;
  const [time, ...others] = axes(format);
  return {
    width,
    height: chartHeight(height),
    tzDate: utc,
    padding: PADDING,
    cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false }, points: { show: false } },
    legend: { live: true },
    scales: {
      x: { time: true, range: () => spanOf(shown) },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    axes: [{ ...time, values: TIME_TICKS, incrs: distances(step), space: 72 }, ...others],
    series: [{ value: (_plot, at) => (at === null ? 'all shown' : `${clock(at * 1000)} UTC`) }, ...series],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 3) return;
          const bucket = (x: number) => Math.floor((plot.posToVal(x, 'x') * 1000 - start) / step);
          const from = Math.max(0, bucket(plot.select.left));
          const to = Math.max(from, Math.min(buckets - 1, bucket(plot.select.left + plot.select.width)));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          state.change({ range: [start + from * step, start + (to + 1) * step] });
        },
      ],
    },
  };
}

function secondsOf({ state, selector }: Shown): number[] {
  const [from, to] = selector.buckets(state.place);
  const { start, step } = state.model.timeline;
  return Array.from(
    { length: Math.max(0, to - from + 1) },
    (_, index) => (start + (from + index) * step) / 1000,
  );
}

/** What the time axis spans. A bucket reaches from its time to the next; one that is alone stands in the middle. */
function spanOf(shown: Shown): [number, number] {
  const seconds = secondsOf(shown);
  const step = shown.state.model.timeline.step / 1000;
  const [first = 0] = seconds;
  const last = (seconds.at(-1) ?? first) + step;
  return seconds.length > 1 ? [first, last] : [first - step, last + step];
}

/** The buckets that are shown, of each group of outcomes. */
function shownSeries({ state, selector, selection }: Shown): number[][] {
  const [from, to] = selector.buckets(state.place);
  return selection().series.map((row) => row.slice(from, to + 1));
}

const barPaths = () => uPlot.paths.bars!({ size: [0.9, 120, 2], gap: 0, align: 1 });

/** The operations over time, stacked by outcome. */
function timelineChart(shown: Shown, place: HTMLElement): Chart {
  let plain: number[][] = [];
  // The first series is drawn first and reaches highest: what later ones leave uncovered is its own part.
  const series = () =>
    [...OUTCOME_GROUPS.keys()].reverse().map((group): uPlot.Series => {
      const { name, key } = OUTCOME_GROUPS[group]!;
      return {
        label: name,
        fill: colour(key),
        stroke: colour(key),
        width: 0,
        paths: barPaths(),
        points: { show: false },
        value: (_plot, _value, _series, at) =>
          count(at === null ? sum(plain[group] ?? []) : (plain[group]?.[at] ?? 0)),
      };
    });
  return new Chart(
    place,
    (width) => timeOptions(shown, width, 240, series()),
    () => {
      plain = shownSeries(shown);
      const seconds = secondsOf(shown);
      const highest = Math.max(0, ...seconds.map((_, at) => sum(plain.map((row) => row[at]!))));
      const stacked: number[][] = [];
      plain.forEach((row, group) =>
        stacked.push(visible(row, highest).map((value, at) => value + (stacked[group - 1]?.[at] ?? 0))),
      );
      return [seconds, ...stacked.reverse()];
    },
  );
}

/** The part of operations that did not succeed, over time. */
function failureChart(shown: Shown, place: HTMLElement): Chart {
  let shares: (number | null)[] = [];
  let overall = NaN;
  const share = (at: number | null) => (at === null ? overall : (shares[at] ?? NaN));
  return new Chart(
    place,
    (width) =>
      timeOptions(
        shown,
        width,
        150,
        [
          {
            label: 'Refused or failed',
            stroke: colour('failed'),
            fill: colour('failed'),
            width: 0,
            paths: barPaths(),
            points: { show: false },
            value: (_plot, _value, _series, at) =>
              Number.isFinite(share(at)) ? `${share(at).toFixed(1)} %` : '',
          },
        ],
        (value) => `${value} %`,
      ),
    () => {
      const series = shownSeries(shown);
      const seconds = secondsOf(shown);
      const badAt = (at: number) => series[2]![at]! + series[3]![at]!;
      const allAt = (at: number) => sum(series.map((row) => row[at]!));
      shares = seconds.map((_, at) => (allAt(at) === 0 ? null : (badAt(at) / allAt(at)) * 100));
      overall = (sum(seconds.map((_, at) => badAt(at))) / sum(seconds.map((_, at) => allAt(at)))) * 100;
      const known = shares.map((value) => value ?? 0);
      return [seconds, visible(known, Math.max(0, ...known))];
    },
    'No operation was refused, and none failed.',
  );
}

/** `0.1 ms`, `3 s`: a latency on an axis. */
function shortDuration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1e6 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Number((ms / 60_000).toPrecision(2))} min`;
}

function latencyChart({ selection }: Shown, place: HTMLElement): Chart {
  const latency = () => selection().summary.latency;
  const bins = () => {
    const used = latency()
      .counts.map((value, bin) => (value > 0 ? bin : -1))
      .filter((bin) => bin >= 0);
    const first = Math.max(0, (used[0] ?? 0) - 1);
    const last = Math.min(latency().counts.length - 1, (used.at(-1) ?? 0) + 1);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  };
  const label = (bin: number) => {
    const { bounds } = latency();
    return bin >= bounds.length ? 'longer' : `≤ ${shortDuration(bounds[bin] ?? 0)}`;
  };
  return new Chart(
    place,
    (width) => ({
      width,
      height: chartHeight(240),
      padding: PADDING,
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [bins()[0]! - 0.6, bins().at(-1)! + 0.6] },
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
          paths: uPlot.paths.bars!({ size: [0.86, 90, 2] }),
          points: { show: false },
          value: (_plot, _value, _series, at) => {
            const { counts } = latency();
            return count(at === null ? sum(counts) : (counts[bins()[at] ?? -1] ?? 0));
          },
        },
      ],
    }),
    () => {
      const counts = bins().map((bin) => latency().counts[bin] ?? 0);
      return [bins(), visible(counts, Math.max(...counts))];
    },
  );
}

function figure(title: string, place: HTMLElement, hint = ''): HTMLElement {
  return h('figure', {}, h('figcaption', {}, title, h('span', { class: 'hint' }, hint)), place);
}

/** All charts of the page. Returns what draws them anew, for a changed theme or a printer. */
export function setUpCharts(state: State, selector: Selector, selection: () => Selection): () => void {
  const shown = { state, selector, selection };
  const timeline = h('div', { class: 'chart', role: 'img' });
  const failing = h('div', { class: 'chart', role: 'img' });
  const latency = byId('latency-chart');
  const table = h('details', { class: 'as-table' }, h('summary', {}, 'The timeline as a table'));
  byId('charts').append(
    figure('Operations over time', timeline, 'drag across to choose a range'),
    figure('Refused or failed, in per cent of operations', failing),
    table,
  );
  byId('charts').hidden = false;
  const charts = [timelineChart(shown, timeline), failureChart(shown, failing), latencyChart(shown, latency)];
  latency.setAttribute('role', 'img');
  const drawAll = () => {
    for (const chart of charts) chart.draw();
    const words = OUTCOME_GROUPS.map(
      ({ name }, group) => `${name.toLowerCase()} ${count(sum(shownSeries(shown)[group]!))}`,
    ).join(', ');
    timeline.setAttribute('aria-label', `Bar chart of operations over time: ${words}.`);
    failing.setAttribute(
      'aria-label',
      `Bar chart of the part of operations that was refused or failed: ${words}.`,
    );
    latency.setAttribute(
      'aria-label',
      'Bar chart of how long operations took; the table beside it has the figures.',
    );
    if (table.open) fillTable(shown, table);
  };
  table.addEventListener('toggle', () => table.open && fillTable(shown, table));
  state.onChoice(drawAll);
  drawAll();
  return drawAll;
}

function fillTable(shown: Shown, details: HTMLDetailsElement): void {
  const series = shownSeries(shown);
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'From (UTC)'),
    ...OUTCOME_GROUPS.map(({ name }) => h('th', { scope: 'col', class: 'number' }, name)),
  );
  const body = h('tbody');
  secondsOf(shown).forEach((seconds, bucket) => {
    if (series.every((row) => row[bucket] === 0)) return;
    const cells = series.map((row) => h('td', { class: 'number' }, count(row[bucket]!)));
    body.append(h('tr', {}, h('th', { scope: 'row' }, clock(seconds * 1000)), ...cells));
  });
  details.querySelector('.scroll')?.remove();
  const table = h('table', {}, h('thead', {}, head), body);
  details.append(
    h(
      'div',
      { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'The timeline as a table' },
      table,
    ),
  );
}
