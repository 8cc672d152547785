import { printable } from '../../internal/text.js';
import type { Check } from '../../integrity/verification/verdict.js';

/** The table at the end of a verification as lines of text. */
export function checkLines(checks: readonly Check[]): string[] {
  const rows = [
    { what: 'checked', by: 'by', result: 'result' },
    ...checks.map(({ what, by, result }) => ({ what: printable(what), by: printable(by), result })),
  ];
  const width = (column: 'what' | 'result') => Math.max(...rows.map((row) => row[column].length));
  return rows.map(
    ({ what, by, result }) => `${what.padEnd(width('what'))}  ${result.padEnd(width('result'))}  ${by}`,
  );
}
