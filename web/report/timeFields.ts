import type { Timeline } from '../../lib/cli/report/model.js';
import { h } from './dom.js';
import type { Range } from './state.js';

const MINUTE = 60_000;

/** Two fields for the beginning and the end of a range, in UTC. Ranges are of whole buckets, since that is how records are counted. */
export function timeFields(
  label: string,
  timeline: Timeline,
  choose: (range: Range | undefined) => void,
): { element: HTMLElement; show(range: Range | undefined): void } {
  const whole = wholeOf(timeline);
  const seconds = timeline.step < MINUTE;
  const text = (ms: number) => new Date(ms).toISOString().slice(0, seconds ? 19 : 16);
  const field = (name: string) =>
    h('input', {
      type: 'datetime-local',
      'aria-label': `${label}: ${name} (UTC)`,
      step: seconds ? 1 : 60,
      min: text(whole[0]),
      max: text(whole[1]),
    });
  const [from, to] = [field('from'), field('to')];
  const read = () => {
    const range = snapped(timeline, [Date.parse(`${from.value}Z`), Date.parse(`${to.value}Z`)]);
    if (range !== undefined) choose(range[0] === whole[0] && range[1] === whole[1] ? undefined : range);
  };
  from.addEventListener('change', read);
  to.addEventListener('change', read);
  return {
    element: h(
      'div',
      { class: 'times', role: 'group', 'aria-label': label },
      h('span', { class: 'key' }, label),
      from,
      h('span', { class: 'key' }, 'to'),
      to,
      h('span', { class: 'key' }, 'UTC'),
    ),
    show(range) {
      const shown = (range && snapped(timeline, range)) ?? whole;
      from.value = text(shown[0]);
      to.value = text(shown[1]);
    },
  };
}

/** The range of all records. */
export function wholeOf({ start, step, buckets }: Timeline): Range {
  return [start, start + Math.max(1, buckets) * step];
}

/** The whole buckets that a range touches; undefined where it touches none. */
export function snapped({ start, step, buckets }: Timeline, [from, to]: Range): Range | undefined {
  if (!(from < to)) return undefined;
  const first = Math.max(0, Math.floor((from - start) / step));
  const last = Math.min(buckets, Math.ceil((to - start) / step));
  return first < last ? [start + first * step, start + last * step] : undefined;
}
