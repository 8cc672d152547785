import { OUTCOME_GROUPS, type Place, type Range } from './state.js';

/** Times in the address are as people write them: RFC 3339, UTC, without milliseconds that are zero. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

function rangeText([from, to]: Range): string {
  return `${timeText(from)}~${timeText(to)}`;
}

function rangeOf(text: string | null): Range | undefined {
  const [from = NaN, to = NaN] = (text ?? '').split('~').map((part) => Date.parse(part));
  return from < to ? [from, to] : undefined;
}

/** The part of the address behind `#` that leads to a place. */
export function writeAddress(place: Place): string {
  const { range, compare, text, ...plain } = place;
  const fields = new URLSearchParams();
  if (text !== '') fields.set('q', text);
  for (const [name, value] of Object.entries(plain) as [string, string | undefined][])
    if (value !== undefined) fields.set(name, value);
  if (range !== undefined) fields.set('time', rangeText(range));
  if (compare !== undefined) {
    fields.set('a', rangeText(compare[0]));
    fields.set('b', rangeText(compare[1]));
  }
  return fields.toString();
}

/** The place that an address leads to. What it does not understand, it leaves out. */
export function readAddress(hash: string): Place {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const own = (name: string) => fields.get(name) ?? undefined;
  const outcome = OUTCOME_GROUPS.find(({ key }) => key === fields.get('outcome'))?.key;
  const [a, b] = [rangeOf(fields.get('a')), rangeOf(fields.get('b'))];
  const theme = fields.get('theme');
  return {
    text: fields.get('q') ?? '',
    actor: own('actor'),
    target: own('target'),
    server: own('server'),
    outcome,
    range: rangeOf(fields.get('time')),
    compare: a === undefined || b === undefined ? undefined : [a, b],
    record: own('record'),
    session: own('session'),
    theme: theme === 'light' || theme === 'dark' ? theme : undefined,
  };
}
