import type uPlot from 'uplot';
import { count } from './dom.js';

/** A colour of the style sheet, as it is now: light, dark or printed. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The axes of a chart: an even one below, and counts, or what `format` makes of them, at the left. */
export function axes(format?: (value: number) => string): uPlot.Axis[] {
  const common = {
    stroke: colour('muted'),
    font: '12px system-ui, sans-serif',
    ticks: { stroke: colour('line'), width: 1, size: 4 },
    grid: { stroke: colour('line'), width: 1 },
  };
  return [
    { ...common, grid: { show: false } },
    {
      ...common,
      size: 56,
      values: (_plot, values) => values.map((value) => format?.(value) ?? count(value)),
    },
  ];
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
