import type uPlot from 'uplot';
import { count } from './dom.js';

/** A colour of the style sheet, as it is now: light, dark or printed. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const FONT = '12px system-ui, sans-serif';
/** From a label to the ticks and to the edge. */
const ROOM = 18;

/** As wide as the widest label: no label is cut. */
function widthFor(plot: uPlot, values: readonly string[] | null): number {
  plot.ctx.save();
  plot.ctx.font = FONT;
  const widest = Math.max(0, ...(values ?? []).map((text) => plot.ctx.measureText(text).width));
  plot.ctx.restore();
  return Math.max(58, Math.ceil(widest) + ROOM);
}

/** The axes of a chart: an even one below, and counts, or what `format` makes of them, at the left. */
export function axes(format?: (value: number) => string): uPlot.Axis[] {
  const common = {
    stroke: colour('muted'),
    font: FONT,
    ticks: { stroke: colour('line'), width: 1, size: 4 },
    grid: { stroke: colour('line'), width: 1 },
  };
  return [
    { ...common, grid: { show: false } },
    {
      ...common,
      size: widthFor,
      // Half a record is no number.
      incrs: format === undefined ? WHOLE : undefined,
      values: (_plot, values) => values.map((value) => format?.(value) ?? count(value)),
    } as uPlot.Axis,
  ];
}

const WHOLE = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/**
 * Room around a chart. The first and the last label of a time axis stand half beside it.
 */
export const PADDING: uPlot.Padding = [10, 36, 0, 4];

/** How high the bar of one record is at least, as a part of the highest: it can be seen. */
const LEAST = 0.012;

/** Values as they are drawn: none that is not zero is too low to be seen. */
export function visible(values: readonly number[], highest: number): number[] {
  return values.map((value) => (value > 0 ? Math.max(value, highest * LEAST) : 0));
}

/** Distances of ticks on a time axis, in seconds. */
const DISTANCES = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 60),
  ...[1, 2, 3, 6, 12].map((n) => n * 3600),
  ...[1, 2, 7, 14, 28, 56, 112, 224, 365, 730, 1825].map((n) => n * 86400),
];

/** Distances of ticks where a bucket is so many milliseconds wide: no tick stands within a bucket. */
export function distances(step: number): number[] {
  return DISTANCES.filter((distance) => distance >= step / 1000);
}

/**
 * Labels of a time axis by the distance of its ticks, in seconds: as ISO 8601 has dates and times, like the rest of the page.
 * The date stands below where it begins; the places of a row are uPlot's.
 */
export const TIME_TICKS: uPlot.Axis.TimeValuesConfig = [
  [86400 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [86400 * 28, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [86400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [0.001, '{ss}.{fff}', '\n{YYYY}-{MM}-{DD} {HH}:{mm}', null, null, null, null, null, 1],
];
