import uPlot from 'uplot';
import { percent } from '../../lib/cli/report/cards.js';
import type { Summary } from '../../lib/cli/report/model.js';
import { outcomeCount, refusals } from '../../lib/cli/report/views.js';
import { duration } from '../../lib/cli/term/units.js';
import { axes, colour, PADDING, visible } from './axes.js';
import { Chart, chartHeight } from './chart.js';
import { byId, button, clock, count, h } from './dom.js';
import type { Selection, Selector } from './selection.js';
import type { Range, State } from './state.js';
import { tableOf } from './tables.js';
import { snapped, timeFields, wholeOf } from './timeFields.js';

const DAY = 86_400_000;
const LISTED = 8;

type Pair = readonly [Range, Range];

/** Two periods side by side: their figures, what changed most between them, and both on one chart. */
export function setUpCompare(state: State, selector: Selector): () => void {
  const section = byId('compare');
  const { timeline } = state.model;
  if (timeline.buckets < 2) return () => undefined;
  const fields = (['First', 'Second'] as const).map((name, index) =>
    timeFields(name, timeline, (range) => {
      const pair: [Range, Range] = [...(state.place.compare ?? halves(timeline))];
      pair[index] = range ?? wholeOf(timeline);
      state.change({ compare: pair });
    }),
  );
  const place = h('div', { class: 'compared' });
  const presets = presetsOf(state).map(([label, pair]) =>
    button('soft', () => state.change({ compare: pair() }), {}, label),
  );
  section.append(
    h('h2', { id: 'compare-title' }, 'Two periods side by side'),
    h('p', { class: 'lead' }, 'Choose any two periods. What else is chosen above narrows both.'),
    h(
      'div',
      { class: 'line' },
      ...presets,
      button('link', () => state.change({ compare: undefined }), { class: 'link end' }, 'Close'),
    ),
    h('div', { class: 'periods' }, ...fields.map(({ element }) => element)),
    place,
  );
  section.hidden = false;
  const chartPlace = h('div', { class: 'chart', role: 'img' });
  let series: readonly (readonly number[])[] = [];
  const chart = offsetChart(chartPlace, timeline.step, () => series);
  const draw = () => {
    const pair = snappedPair(state);
    section.classList.toggle('closed', pair === undefined);
    fields.forEach(({ show }, index) => show(pair?.[index] ?? halves(timeline)[index]));
    if (pair === undefined) {
      chart.clear();
      place.replaceChildren();
      return;
    }
    const two = pair.map((range) => selector.choose({ ...state.place, range }));
    series = two.map((selection) => operationsByBucket(selector, selection));
    place.replaceChildren(figures(state, pair, two), chartFigure(chartPlace, pair), movers(state, two));
    chart.draw();
  };
  state.onChange(draw);
  draw();
  return draw;
}

function halves(timeline: Selector['model']['timeline']): Pair {
  const { start, step, buckets } = timeline;
  const middle = start + Math.max(1, Math.floor(buckets / 2)) * step;
  return [
    [start, middle],
    [middle, start + buckets * step],
  ];
}

function snappedPair({ place, model }: State): Pair | undefined {
  const [a, b] = (place.compare ?? []).map((range) => snapped(model.timeline, range));
  return a === undefined || b === undefined ? undefined : [a, b];
}

/** Pairs that are asked for often. */
function presetsOf(state: State): (readonly [string, () => Pair])[] {
  const { timeline } = state.model;
  const [, end] = wholeOf(timeline);
  const last = Math.floor((end - 1) / DAY) * DAY;
  const days: Pair = [
    [last - DAY, last],
    [last, last + DAY],
  ];
  const hasDays = timeline.step <= DAY && snapped(timeline, days[0]) !== undefined;
  const before = (): Pair => {
    const [from, to] = state.place.range ?? halves(timeline)[1];
    return [
      [from - (to - from), from],
      [from, to],
    ];
  };
  return [
    ...(hasDays ? [['The last two days', () => days] as const] : []),
    ['The first half and the second', () => halves(timeline)],
    ['The chosen time and the one before', before],
  ];
}

function operationsByBucket(selector: Selector, { series, choice }: Selection): number[] {
  const [from, to] = selector.buckets(choice);
  return Array.from({ length: to - from + 1 }, (_, at) =>
    series.reduce((sum, row) => sum + (row[from + at] ?? 0), 0),
  );
}

/** A range in words: a day by its date, and no seconds where there are none. */
function words([from, to]: Range): string {
  const [a, b] = [clock(from), clock(to)];
  if (to - from === DAY && from % DAY === 0) return a.slice(0, 10);
  const isMinute = from % 60_000 === 0 && to % 60_000 === 0;
  return [a, b].map((text) => (isMinute ? text.slice(0, 16) : text)).join(' to ');
}

/** `+12`, `-3`, `0`. */
function signed(value: number): string {
  return value === 0 ? '0' : `${value > 0 ? '+' : '−'}${count(Math.abs(value))}`;
}

/** How much more or less the second is, in per cent of the first. */
function change(a: number, b: number): string {
  if (a === b) return 'the same';
  if (a === 0) return 'new';
  const part = (Math.abs(b - a) / a) * 100;
  return `${b > a ? '+' : '−'}${part < 10 ? part.toFixed(1) : count(Math.round(part))} %`;
}

const FIGURES: readonly (readonly [string, (summary: Summary) => number])[] = [
  ['Operations', ({ operations }) => operations],
  ['Succeeded', (summary) => outcomeCount(summary, 'OUTCOME_SUCCESS')],
  ['Failed', (summary) => outcomeCount(summary, 'OUTCOME_FAILURE_ERROR')],
  ['Refused', refusals],
  ['Actors', ({ actors }) => actors],
  ['Targets', ({ targets }) => targets],
  ['Servers', ({ servers }) => servers],
  ['Kinds of failure', ({ failureKinds }) => failureKinds],
];

function figures(state: State, pair: Pair, two: readonly Selection[]): HTMLElement {
  const [a, b] = two.map(({ summary }) => summary) as [Summary, Summary];
  const most = two.some(({ atLeast }) => atLeast) ? '≥ ' : '';
  const bad = (summary: Summary) => outcomeCount(summary, 'OUTCOME_FAILURE_ERROR') + refusals(summary);
  const rows = [
    ...FIGURES.map(([name, read]) => [
      name,
      most + count(read(a)),
      most + count(read(b)),
      change(read(a), read(b)),
    ]),
    ['Refused or failed', percent(bad(a), a.operations), percent(bad(b), b.operations), ''],
    ...(['p50', 'p95', 'max'] as const).map((name) => [
      name === 'max' ? 'Longest' : `Took, ${name}`,
      duration(a.latency.quantiles[name]),
      duration(b.latency.quantiles[name]),
      change(a.latency.quantiles[name], b.latency.quantiles[name]),
    ]),
  ];
  return tableOf(state, {
    caption: 'Figures of the two periods',
    heads: [['Figure'], [words(pair[0]), 'number'], [words(pair[1]), 'number'], ['Change', 'number']],
    rows: rows.map(([name = '', ...values]) => [
      { text: name, kind: 'head' },
      ...values.map((text) => ({ text, kind: 'number' as const })),
    ]),
  });
}

/** The targets and actors of which there were most more or fewer. */
function movers(state: State, two: readonly Selection[]): HTMLElement {
  const { kinds, ends, targets, actors } = state.model.cube;
  const moved = new Map<string, [number, number]>();
  two.forEach(({ counts, mask }, period) => {
    const chosen = mask();
    kinds.forEach(([actor, target, , end], kind) => {
      if (chosen[kind] === 0 || ends[end]!.operation === 0) return;
      const { outcome, reason } = ends[end]!;
      const names = [`What: ${targets.names[target]!}`, `Who: ${actors.names[actor]!}`];
      if (outcome >= 3) names.push(`Why: ${reason === '' ? 'no reason given' : reason}`);
      for (const name of names) {
        const pair = moved.get(name) ?? [0, 0];
        pair[period]! += counts[kind]!;
        moved.set(name, pair);
      }
    });
  });
  const most = [...moved]
    .filter(([, [a, b]]) => a !== b)
    .sort(([, [a, b]], [, [c, d]]) => Math.abs(d - c) - Math.abs(b - a))
    .slice(0, LISTED);
  if (most.length === 0)
    return h('p', { class: 'lead' }, 'No target, actor or reason has another number of operations.');
  return tableOf(state, {
    caption: 'What changed most',
    heads: [['What changed most'], ['First', 'number'], ['Second', 'number'], ['Difference', 'number']],
    rows: most.map(([name, [a, b]]) => [
      { text: name, kind: 'head' },
      ...[count(a), count(b), signed(b - a)].map((text) => ({ text, kind: 'number' as const })),
    ]),
  });
}

function chartFigure(place: HTMLElement, pair: Pair): HTMLElement {
  place.setAttribute(
    'aria-label',
    `Chart of operations since the beginning of each period: ${pair.map(words).join('; ')}.`,
  );
  return h('figure', {}, h('figcaption', {}, 'Operations since the beginning of each period'), place);
}

/** Both periods from the same beginning. */
function offsetChart(place: HTMLElement, step: number, series: () => readonly (readonly number[])[]): Chart {
  const length = () => Math.max(...series().map((row) => row.length));
  const unit =
    step >= DAY
      ? { ms: DAY, name: 'd' }
      : step >= 3_600_000 / 2
        ? { ms: 3_600_000, name: 'h' }
        : { ms: 60_000, name: 'min' };
  const line = (label: string, name: string, at: number): uPlot.Series => ({
    label,
    stroke: colour(name),
    fill: colour(name),
    width: 0,
    paths: uPlot.paths.bars!({ size: [0.45, 40, 2], align: at === 0 ? -1 : 1, gap: 0 }),
    points: { show: false },
    value: (_plot, _value, _series, bucket) =>
      count(
        bucket === null
          ? (series()[at] ?? []).reduce((sum, value) => sum + value, 0)
          : (series()[at]?.[bucket] ?? 0),
      ),
  });
  const since = (value: number) => `${Number(((value * step) / unit.ms).toFixed(2))} ${unit.name}`;
  return new Chart(
    place,
    (width) => ({
      width,
      height: chartHeight(180),
      padding: PADDING,
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [-0.6, length() - 0.4] },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
      },
      axes: [
        {
          ...axes()[0]!,
          space: 64,
          values: (_plot, values) => values.map((value) => (Number.isInteger(value) ? since(value) : '')),
        },
        axes()[1]!,
      ],
      series: [
        { label: 'After', value: (_plot, at) => (at === null ? 'all of it' : since(at)) },
        line('First', 'accent', 0),
        line('Second', 'refused', 1),
      ],
    }),
    () => {
      const highest = Math.max(0, ...series().flat());
      const rows = series().map((row) =>
        visible(
          Array.from({ length: length() }, (_, at) => row[at] ?? 0),
          highest,
        ),
      );
      return [Array.from({ length: length() }, (_, at) => at), ...rows];
    },
  );
}
