import { type Check } from '../verdict.js';
import { type Sessions } from './sessionCheck.js';

/** The row of the table: whether every request that went over the wire is on record, as far as the log can show it. */
export function sessionsRow(sessions: Sessions | undefined): Check {
  const what = 'that every operation was recorded';
  const { complete = 0, open = 0, different = 0, uncounted = 0 } = sessions ?? {};
  if (complete + different + open + uncounted === 0 || complete + different === 0)
    return { what, by: openWords(open) ?? 'nothing in a log can show it', result: 'not checked' };
  const counts = [
    `${sessionsOf(complete)} closed complete`,
    ...(different > 0 ? [`${different} with a difference`] : []),
    ...(open > 0 ? [`${open} not closed`] : []),
    ...(uncounted > 0 ? [`${uncounted} closed without a count`] : []),
  ];
  const isWhole = open + uncounted === 0;
  const result = different > 0 ? 'fails' : isWhole ? 'holds' : 'not checked';
  return { what, by: `the records that close sessions: ${counts.join(', ')}`, result };
}

/** What is worth knowing of sessions that differ. */
export function sessionWarnings(sessions: Sessions | undefined): string[] {
  const { differences = [], different = 0 } = sessions ?? {};
  const warnings = differences.map(
    ({ session, difference }) =>
      `session ${session}: ${difference}: never recorded, lost before it was written, or filtered`,
  );
  if (different > differences.length) warnings.push(`${different} such sessions in all`);
  return warnings;
}

function openWords(open: number): string | undefined {
  return open === 0 ? undefined : `no session was closed with a count; ${sessionsOf(open)} not closed`;
}

function sessionsOf(count: number): string {
  return count === 1 ? '1 session' : `${count} sessions`;
}
