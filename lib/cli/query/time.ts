import { usageFailure } from '../shared/command.js';

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/** The side of a range that a time bounds. */
export type Bound = 'since' | 'until';

/**
 * A time as people write it, as records write it (RFC 3339, UTC, milliseconds): `2h` (ago), `today`, `yesterday`,
 * `2026-01`, `2026-01-15`, `2026-01-15T09:30`, with `Z` or an offset; without one it is UTC. As an upper bound, a day or a month means
 * its end.
 *
 * @throws {CliFailure} when it cannot be understood.
 */
export function parseTime(option: string, text: string, bound: Bound, now: number = Date.now()): string {
  const at = relative(text, now) ?? day(text, bound, now) ?? instant(text);
  if (at === undefined || !(at >= 0 && at < 253_402_300_800_000))
    throw usageFailure(
      `--${option} is no time`,
      "Write an age ('90s', '15m', '2h', '7d'), a day ('2026-01-15', 'today'), a month ('2026-01') or a time ('2026-01-15T09:30Z').",
    );
  return new Date(at).toISOString();
}

function relative(text: string, now: number): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw])$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2]];
  return unit === undefined ? undefined : now - Number(match?.[1]) * unit;
}

function day(text: string, bound: Bound, now: number): number | undefined {
  const length = 86_400e3;
  const month = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text);
  if (month !== null) return Date.UTC(Number(month[1]), Number(month[2]) - (bound === 'until' ? 0 : 1));
  const today = now - (now % length);
  let start: number | undefined;
  if (text === 'now') return now;
  if (text === 'today') start = today;
  else if (text === 'yesterday') start = today - length;
  else if (/^\d{4}-\d\d-\d\d$/.test(text)) start = exactDay(text);
  return start === undefined ? undefined : bound === 'until' ? start + length : start;
}

/** Refuses days such as 31 February, which `Date.parse` may accept. */
function exactDay(text: string): number | undefined {
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? undefined : at;
}

function instant(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (match === null || exactDay(match[1]!) === undefined) return undefined;
  const zone = match[3] ?? 'Z';
  const at = Date.parse(
    `${match[1]!}T${match[2]!}${/^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()}`,
  );
  return Number.isNaN(at) ? undefined : at;
}
